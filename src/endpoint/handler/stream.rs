//! Responses as [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html): distinct
//! connections mode of [graphql-sse](https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md).

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use async_graphql::{Response as GraphQlResponse, ServerError, parser::types::OperationType};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream, Peekable},
};
use tokio::time::{Instant, Sleep, sleep};

use super::{
    Endpoint, Refusal,
    quota::Permit,
    response::{self, Chunks, LeasedResponse},
};
use crate::{
    app::{Memory, memory::Lease},
    domain::access::Actor,
    endpoint::{document::Prepared, engine::Answer},
    graphql::error::is_request_error,
};

/// Results of an operation; errors refuse the operation and end the stream.
pub type Results = BoxStream<'static, Next>;

type Next = Result<Answered, Vec<ServerError>>;

/// Result of an operation.
pub enum Answered {
    /// Result of a query or mutation, serialised during sending.
    Once(Box<LeasedResponse>),
    /// Answer of an event, which several subscribers may have.
    Shared(Arc<Answer>),
}

/// Idle time until a comment is sent, so that proxies don't close the connection as dead.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    // nginx buffers responses unless told otherwise
    // (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering).
    (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    ),
];
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// Streams an event `next` per result, then `complete`.
pub fn events(
    endpoint: &Endpoint,
    actor: &Actor,
    prepared: Prepared,
    permit: Permit,
) -> Result<Response, Refusal> {
    let is_subscription = prepared.operation == OperationType::Subscription;
    // A subscription counts as such, and releases the permit of its request.
    let permit = match is_subscription {
        true => endpoint.quotas.subscription(actor)?,
        false => permit,
    };
    // The end of the token and shutdown stop subscriptions; queries and mutations answer first, unless the client
    // disconnects.
    let mut session = endpoint.sessions.open(actor);
    let stopping = endpoint.stopping.clone();
    let ended: BoxFuture<()> = match is_subscription {
        true => Box::pin(async move {
            tokio::select! {
                () = session.ended() => {}
                () = stopping.cancelled() => {}
            }
        }),
        false => Box::pin(std::future::pending()),
    };
    let body = Delivery {
        results: results(endpoint, actor.clone(), prepared).peekable(),
        pieces: Box::new(std::iter::empty()),
        answer: None,
        lease: None,
        memory: endpoint.app().memory.clone(),
        is_complete: false,
        silence: Box::pin(sleep(KEEP_ALIVE)),
        sent_at: Instant::now(),
        ended,
        _permit: permit,
    };
    let body = stream::unfold(body, async |mut body| {
        let piece = body.next().await?;
        Some((Ok::<_, Infallible>(piece), body))
    });
    Ok((HEADERS, Body::from_stream(body.fuse())).into_response())
}

/// Streams the errors of a refused request, then `complete`.
pub fn refused(errors: &[ServerError]) -> Response {
    let result = refusal(errors);
    (HEADERS, format!("{result}{COMPLETE}")).into_response()
}

/// Results of an operation; errors when it was refused before execution.
pub fn results(endpoint: &Endpoint, actor: Actor, prepared: Prepared) -> Results {
    if prepared.operation == OperationType::Subscription {
        let answers = endpoint.engine.subscribe(actor, prepared);
        let results = answers.map(|answer| match answer.refusal() {
            Some(errors) => Err(errors.to_vec()),
            None => Ok(Answered::Shared(answer)),
        });
        return results.boxed();
    }
    let budget = prepared.budget.clone();
    let result = move |response: GraphQlResponse| {
        if is_request_error(&response) {
            return Err(response.errors);
        }
        let lease = budget.take();
        let answered = LeasedResponse { response, lease };
        Ok(Answered::Once(Box::new(answered)))
    };
    let endpoint = endpoint.clone();
    let deadline = endpoint.deadline();
    let run = async move {
        let ran = endpoint.run(actor, prepared, None, &deadline, result);
        ran.await.map_err(|refusal| refusal.errors)?
    };
    stream::once(run).boxed()
}

const NEXT: &str = "event: next\ndata: ";
const END: &[u8] = b"\n\n";
/// Size at which a piece of small answers ends.
const PIECE: usize = 64 << 10;

fn refusal(errors: &[ServerError]) -> String {
    // Serialised without line breaks, which would end the field of an event.
    format!("{NEXT}{}\n\n", response::refusal_json(errors))
}

/// Body of a response under way. The connection polls the body, and drops the body when the client leaves.
struct Delivery {
    results: Peekable<Results>,
    /// Rest of the result at hand.
    pieces: Box<dyn Iterator<Item = Bytes> + Send>,
    /// Answer of the pieces, whose memory counts until all are sent.
    answer: Option<Arc<Answer>>,
    /// Lease of the copy that was sent last.
    lease: Option<Lease>,
    memory: Memory,
    /// True after the last result.
    is_complete: bool,
    /// Ends at the earliest time of the next comment.
    silence: Pin<Box<Sleep>>,
    sent_at: Instant,
    /// Ends when the subscription has to.
    ended: BoxFuture<'static, ()>,
    _permit: Permit,
}

impl Delivery {
    /// Returns the next piece, or `None` at the end of the body.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.pieces.next() {
                return Some(piece);
            }
            (self.answer, self.lease) = (None, None);
            if self.is_complete {
                return None;
            }
            let result = tokio::select! {
                // The end first: results that are always ready must not outlive the token.
                biased;
                () = &mut self.ended => return None,
                result = self.results.next() => result,
                () = &mut self.silence => {
                    // The timer runs on while results are sent: a reset per result would be thousands a second.
                    let due = self.sent_at + KEEP_ALIVE;
                    if due > Instant::now() {
                        self.silence.as_mut().reset(due);
                        continue;
                    }
                    self.silence.as_mut().reset(Instant::now() + KEEP_ALIVE);
                    return Some(Bytes::from_static(b":\n\n"));
                }
            };
            self.sent_at = Instant::now();
            match result {
                Some(Ok(Answered::Once(result))) => {
                    let chunks = Chunks::framed(NEXT, *result, "\n\n").single_line();
                    self.pieces = Box::new(chunks);
                }
                Some(Ok(Answered::Shared(answer))) => match answer.chunks() {
                    [text] => {
                        let piece = self.with_ready(text);
                        // Goes out without a lease, too: the answers exist already.
                        self.lease = self.memory.lease(piece.len() as u64).ok();
                        return Some(piece);
                    }
                    chunks => {
                        let before = [Bytes::from_static(NEXT.as_bytes())];
                        let pieces = before.into_iter().chain(chunks.to_vec());
                        self.pieces = Box::new(pieces.chain([Bytes::from_static(END)]));
                        self.answer = Some(answer);
                    }
                },
                Some(Err(errors)) => {
                    self.is_complete = true;
                    return Some((refusal(&errors) + COMPLETE).into());
                }
                None => {
                    self.is_complete = true;
                    return Some(COMPLETE.into());
                }
            }
        }
    }

    /// Events `next` with an answer and with all small answers that are ready: each piece of the body is sent by a call
    /// of the system.
    fn with_ready(&mut self, text: &[u8]) -> Bytes {
        let mut piece = Vec::with_capacity(NEXT.len() + text.len() + END.len());
        frame(&mut piece, text);
        while piece.len() < PIECE
            && let Some(Some(Ok(Answered::Shared(answer)))) =
                Pin::new(&mut self.results).next_if(is_small).now_or_never()
        {
            for text in answer.chunks() {
                frame(&mut piece, text);
            }
        }
        piece.into()
    }
}

fn is_small(next: &Next) -> bool {
    matches!(next, Ok(Answered::Shared(answer)) if answer.chunks().len() == 1)
}

/// Appends the event `next` with an answer.
fn frame(piece: &mut Vec<u8>, text: &[u8]) {
    piece.extend_from_slice(NEXT.as_bytes());
    piece.extend_from_slice(text);
    piece.extend_from_slice(END);
}
