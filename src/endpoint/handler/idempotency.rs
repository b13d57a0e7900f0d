//! Header [`Idempotency-Key`](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header): a
//! repeated mutation gets the first answer again instead of running again.
//!
//! Decision: docs/decisions/0013-idempotency.md.

use std::time::Duration;

use async_graphql::{Response as GraphQlResponse, ServerError, Value};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use entity::idempotency_key::Answer;
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::{
    Endpoint,
    deadline::Deadline,
    media::Media,
    quota::Permit,
    response::{self, LeasedResponse, Refusal},
};
use crate::{
    app::{App, memory::Lease},
    domain::{
        access::Actor,
        idempotency::{self, Claim, Found, Request},
    },
    endpoint::document::Prepared,
    error::{Error, Outcome, Problem, ProblemCode},
    graphql::error::{INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE, has_code, input_error},
};

/// Header of a request that makes a retried mutation run once.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Header of an answer that was stored for an earlier request with the same key.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Time beyond the timeout after which a running request counts as dead.
const GRACE: Duration = Duration::from_secs(2);
/// Final polling interval while another request with the key runs. Polling starts faster.
const PACE: Duration = Duration::from_millis(200);

/// Reads the key of a request. Refuses repeated or malformed keys.
pub fn key(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut values = headers.get_all(&KEY).iter().map(HeaderValue::as_bytes);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(key), None) if idempotency::is_key(key) => Ok(Some(key)),
        _ => Err(Refusal::bad_request(format!(
            "an Idempotency-Key is there once and has 1 to {} visible characters of ASCII",
            idempotency::MAX_KEY
        ))),
    }
}

/// Hashes the key and body into the request that they identify.
pub async fn request(
    endpoint: &Endpoint,
    actor: &Actor,
    key: &[u8],
    body: &Bytes,
    deadline: &Deadline,
) -> Result<Request, Refusal> {
    let (user_id, key, body) = (actor.id(), key.to_owned(), body.clone());
    let bytes = body.len();
    let hash = move || Request::new(user_id, &key, &body);
    endpoint.read(actor, deadline, bytes, hash).await
}

/// Runs a mutation once per key. Repeated requests get the stored answer.
pub async fn run_once(
    endpoint: &Endpoint,
    actor: Actor,
    request: &Request,
    media: Media,
    prepared: Prepared,
    (deadline, permit): (&Deadline, Permit),
) -> Result<Response, Refusal> {
    let app = endpoint.app();
    let lease = endpoint.timeout() + GRACE;
    // Waits for half the timeout: the other half remains to run the mutation.
    let patience = Instant::now() + endpoint.timeout() / 2;
    let mut pause = PACE / 20;
    let claim = loop {
        // Over the app's own handle: commits of the bookkeeping must not count as the mutation's own commit.
        let found = idempotency::claim(app, &actor, request, lease).await;
        match found.map_err(|error| Refusal::failed(&error, "can't look for an idempotency key"))? {
            Found::Claimed(claim) => break claim,
            Found::Answered(answer) => return Ok(replay(answer)),
            Found::UnderWay if Instant::now() < patience => {
                // Polls because the other run may be in another process.
                tokio::time::sleep(pause).await;
                pause = PACE.min(pause * 2);
            }
            Found::UnderWay => {
                let message = "the first request with this Idempotency-Key is still under way";
                return Err(Refusal::conflict("IN_PROGRESS", message, true));
            }
            Found::AnswerLost => {
                let message = "the first request with this Idempotency-Key changed something, but its answer was lost: look at what is there before you send it under another key";
                return Err(Refusal::conflict("ANSWER_LOST", message, false));
            }
            Found::AnswerNotKept => {
                let message = "the first request with this Idempotency-Key ran to its end; its answer was too large or too secret to be kept";
                return Err(Refusal::conflict("ANSWER_NOT_KEPT", message, false));
            }
            Found::AccessLost => {
                let message = "the first request with this Idempotency-Key ran to its end; you have lost a role or a membership since, so its answer is not told again";
                return Err(Refusal::conflict("ANSWER_NOT_KEPT", message, false));
            }
            Found::OtherRequest => return Err(other_request()),
        }
    };
    // Spawned: the mutation runs to its end even when the client disconnects, so that a repeated request finds an
    // answer.
    let (endpoint, fate) = (endpoint.clone(), deadline.fate.clone());
    let ran = tokio::spawn(async move {
        let _permit = permit;
        let deadline = endpoint.deadline_of(fate);
        run(&endpoint, actor, &claim, media, prepared, &deadline).await
    });
    ran.await.unwrap_or_else(|_| Err(Refusal::internal()))
}

async fn run(
    endpoint: &Endpoint,
    actor: Actor,
    claim: &Claim,
    media: Media,
    prepared: Prepared,
    deadline: &Deadline,
) -> Result<Response, Refusal> {
    let app = endpoint.app();
    let budget = prepared.budget.clone();
    // Serialises answers on the worker thread; keeps failures as values, because the outcome decides about them.
    let answered = move |response: GraphQlResponse| {
        let is_failure = failed_for_us(&response);
        let lease = budget.take();
        let answered = LeasedResponse { response, lease };
        match is_failure {
            true => Err(Box::new(answered)),
            false => Ok(response::stored(media, answered)),
        }
    };
    let ran = endpoint.run(actor, prepared, Some(claim), deadline, answered);
    let mut failed = match ran.await {
        Ok(Ok((answer, lease))) => {
            store(app, claim, &answer).await;
            return Ok(respond(answer, Some(lease)));
        }
        Ok(Err(failed)) => Ok(*failed),
        Err(refusal) => Err(refusal),
    };
    // A mutation that failed without any commit releases the key: the client may repeat it.
    let is_free = settled(app, idempotency::release(app, claim).await);
    if is_free == Some(true) {
        // The count of committed writes is in the database and the fence stops later ones: nothing was or will be
        // committed.
        let errors = match &mut failed {
            Ok(failed) => &mut failed.response.errors,
            Err(refusal) => &mut refusal.errors,
        };
        errors.iter_mut().for_each(is_not_done);
    }
    let is_telling = failed
        .as_ref()
        .is_ok_and(|failed| tells_something(&failed.response));
    if is_free != Some(false) || !is_telling {
        if is_free == Some(false) {
            // Some writes were committed, but this failure is no answer to them.
            settled(app, idempotency::abandon(app, claim).await);
        }
        return failed.map(|failed| response::single(media, failed));
    }
    let (answer, lease) = response::stored(media, failed?);
    store(app, claim, &answer).await;
    Ok(respond(answer, Some(lease)))
}

/// Marks a failure as without effect.
fn is_not_done(error: &mut ServerError) {
    if let Some(values) = &mut error.extensions
        && values.get("outcome").is_some()
    {
        values.set("outcome", Outcome::NotDone.word());
    }
}

/// Stores the answer for repeated requests.
async fn store(app: &App, claim: &Claim, answer: &Answer) {
    let kept = idempotency::answer(app, claim, answer);
    settled(app, kept.await);
}

/// Checks whether any part of the response failed on the server's side.
fn failed_for_us(response: &GraphQlResponse) -> bool {
    let mut errors = response.errors.iter();
    errors.any(|error| has_code(error, &[SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR]))
}

/// Checks whether at least one of the mutations has an answer.
fn tells_something(response: &GraphQlResponse) -> bool {
    let Value::Object(fields) = &response.data else {
        return false;
    };
    fields.values().any(|value| *value != Value::Null)
}

/// Reports failed bookkeeping without changing the response: a repeated request learns that the answer is lost.
fn settled<T>(app: &App, kept: Result<T, Error>) -> Option<T> {
    let health = app.db.health();
    kept.inspect_err(|error| health.report(error, "keep what a request was answered"))
        .ok()
}

/// Response from a stored answer; holds the lease until it is sent.
fn respond(answer: Answer, lease: Option<Lease>) -> Response {
    let status = u16::try_from(answer.status).ok();
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let body = Body::from(answer.text.unwrap_or_default()).map_frame(move |frame| {
        let _ = &lease;
        frame
    });
    let mut response = (status.unwrap_or_default(), Body::new(body)).into_response();
    let media_type = answer.media_type.unwrap_or_default();
    if let Ok(media_type) = HeaderValue::from_str(&media_type) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    response
}

fn replay(answer: Answer) -> Response {
    let mut response = respond(answer, None);
    let replayed = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED, replayed);
    response
}

fn other_request() -> Refusal {
    let problem = Problem::new(
        ["Idempotency-Key"],
        ProblemCode::AlreadyTaken,
        "this key was sent with another body: take a new key for a new request",
    );
    Refusal::unprocessable(input_error(vec![problem]))
}
