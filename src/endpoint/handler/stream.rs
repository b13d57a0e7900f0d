//! Answers as server-sent events: the distinct connections mode of graphql-sse.

use std::{convert::Infallible, time::Duration};

use async_graphql::{Response as GraphQlResponse, ServerError, parser::types::OperationType};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream::BoxStream};
use tokio::sync::mpsc::{Sender, error::SendError};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Endpoint, Refusal,
    quota::Permit,
    response::{self, Chunks, LeasedResponse},
};
use crate::{
    app::compute, domain::access::Actor, endpoint::document::Prepared,
    graphql::error::is_request_error,
};

pub type Results = BoxStream<'static, Result<LeasedResponse, Vec<ServerError>>>;

/// A comment is sent when nothing else was for so long, so that nobody in between takes the connection for
/// dead.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    // nginx would hold events back to fill its buffer.
    (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    ),
];
const COMPLETE: &str = "event: complete\ndata:\n\n";

/// One `next` event for each result, then `complete`.
pub fn events(
    endpoint: &Endpoint,
    actor: &Actor,
    prepared: Prepared,
    permit: Permit,
) -> Result<Response, Refusal> {
    let is_subscription = prepared.operation == OperationType::Subscription;
    // A subscription counts as one, and not as a request that runs.
    let permit = match is_subscription {
        true => endpoint.quotas.subscription(actor)?,
        false => permit,
    };
    let results = results(endpoint, actor.clone(), prepared);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut session = endpoint.sessions.open(actor);
    let stopping = endpoint.stopping.clone();
    tokio::spawn(async move {
        let _permit = permit;
        // What runs once is answered, unless nobody listens; what goes on for ever is ended.
        let ended = async {
            tokio::select! {
                () = session.ended() => {}
                () = stopping.cancelled() => {}
            }
        };
        tokio::select! {
            () = deliver(results, &sender) => {}
            () = sender.closed() => {}
            () = ended, if is_subscription => {}
        }
    });
    let body = ReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    Ok((HEADERS, Body::from_stream(body)).into_response())
}

/// The errors of an operation that does not begin to run, and the end.
pub fn refused(errors: &[ServerError]) -> Response {
    let result = refusal(errors);
    (HEADERS, format!("{result}{COMPLETE}")).into_response()
}

/// The results of an operation; the errors of one that did not begin to run.
pub fn results(endpoint: &Endpoint, actor: Actor, prepared: Prepared) -> Results {
    let budget = prepared.budget.clone();
    let result = move |response: GraphQlResponse| {
        if is_request_error(&response) {
            return Err(response.errors);
        }
        // The next result begins with a full budget.
        let lease = budget.take();
        Ok(LeasedResponse { response, lease })
    };
    if prepared.operation == OperationType::Subscription {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let user_id = actor.id();
        let mut responses = Box::pin(endpoint.engine.subscribe(actor, prepared));
        let following = async move {
            // Each answer is charged by itself.
            while let Some(response) = responses.next().await {
                let sent = sender.send(result(response)).await;
                if sent.is_err() {
                    return;
                }
                compute::renew();
            }
        };
        let ended = endpoint.app().compute.run(user_id, None, 0, following);
        let failure = futures_util::stream::once(ended)
            .filter_map(async |ended| ended.err().map(|_| Err(Refusal::internal().errors)));
        return ReceiverStream::new(receiver).chain(failure).boxed();
    }
    let endpoint = endpoint.clone();
    let deadline = endpoint.deadline();
    let run = async move {
        let ran = endpoint.run(actor, prepared, None, deadline, result);
        ran.await.map_err(|refusal| refusal.errors)?
    };
    futures_util::stream::once(run).boxed()
}

const NEXT: &str = "event: next\ndata: ";

fn refusal(errors: &[ServerError]) -> String {
    // JSON that is written here has no line breaks, which would end a field of an event.
    format!("{NEXT}{}\n\n", response::rejection_json(errors))
}

async fn deliver(mut results: Results, sender: &Sender<Bytes>) {
    loop {
        let sent = match tokio::time::timeout(KEEP_ALIVE, results.next()).await {
            Ok(Some(Err(errors))) => {
                let last = refusal(&errors) + COMPLETE;
                let _ = sender.send(last.into()).await;
                return;
            }
            Ok(Some(Ok(result))) => {
                let chunks = Chunks::framed(NEXT, result, "\n\n").single_line();
                send(chunks, sender).await
            }
            Ok(None) => {
                let _ = sender.send(COMPLETE.into()).await;
                return;
            }
            Err(_) => sender.send(":\n\n".into()).await,
        };
        // Nobody listens any more.
        if sent.is_err() {
            return;
        }
    }
}

async fn send(chunks: Chunks, sender: &Sender<Bytes>) -> Result<(), SendError<Bytes>> {
    for chunk in chunks {
        sender.send(chunk).await?;
    }
    Ok(())
}
