//! Responses as [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html): distinct
//! connections mode of [graphql-sse](https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md).

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

/// Results of an operation; errors refuse the operation and end the stream.
pub type Results = BoxStream<'static, Result<LeasedResponse, Vec<ServerError>>>;

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
    let results = results(endpoint, actor.clone(), prepared);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut session = endpoint.sessions.open(actor);
    let stopping = endpoint.stopping.clone();
    tokio::spawn(async move {
        let _permit = permit;
        // Session end and shutdown stop subscriptions; queries and mutations answer first, unless the client
        // disconnects.
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

/// Streams the errors of a refused request, then `complete`.
pub fn refused(errors: &[ServerError]) -> Response {
    let result = refusal(errors);
    (HEADERS, format!("{result}{COMPLETE}")).into_response()
}

/// Results of an operation; errors when it was refused before execution.
pub fn results(endpoint: &Endpoint, actor: Actor, prepared: Prepared) -> Results {
    let budget = prepared.budget.clone();
    let result = move |response: GraphQlResponse| {
        if is_request_error(&response) {
            return Err(response.errors);
        }
        // Each result of a subscription starts with a full budget.
        let lease = budget.take();
        Ok(LeasedResponse { response, lease })
    };
    if prepared.operation == OperationType::Subscription {
        // Capacity of 1: a slow reader stops the subscription instead of queueing events in memory.
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let user_id = actor.id();
        let mut responses = Box::pin(endpoint.engine.subscribe(actor, prepared));
        let following = async move {
            // Counts each event as an operation of its own: the time of all events together has no bound.
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
        let ran = endpoint.run(actor, prepared, None, &deadline, result);
        ran.await.map_err(|refusal| refusal.errors)?
    };
    futures_util::stream::once(run).boxed()
}

const NEXT: &str = "event: next\ndata: ";

fn refusal(errors: &[ServerError]) -> String {
    // Serialised without line breaks, which would end the field of an event.
    format!("{NEXT}{}\n\n", response::refusal_json(errors))
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
        // Fails when the client has disconnected.
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
