//! Answers, and refusals of requests that never began to run.

mod chunks;

use std::{convert::Infallible, time::Duration};

use async_graphql::{Response as GraphQlResponse, ServerError};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use super::media::Media;
use crate::{
    app::{Memory, memory::Lease},
    domain::idempotency::Answer,
    error::{Error, Outcome, Reason, Unavailable},
    graphql::error::{
        BAD_REQUEST, CONFLICT, INTERNAL_SERVER_ERROR, LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, code,
        is_request_error, request_error, set_unavailable,
    },
};

pub use self::chunks::{Chunks, LeasedResponse};

/// Why a request is not run.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub errors: Vec<ServerError>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![request_error(code, message, None)],
            header: None,
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, BAD_REQUEST, message)
    }

    pub fn method(allowed: &'static str, message: &str) -> Self {
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, BAD_REQUEST, message);
        refusal.with(header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// Something is too large; the status says what.
    pub fn too_large(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, LIMIT_EXCEEDED, message)
    }

    /// The caller asks too often; the same request may be sent after a while.
    pub fn too_often(message: impl Into<String>, wait: Duration) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, LIMIT_EXCEEDED, message);
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        refusal.with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// The server has no room; the same request may be sent after a while.
    pub fn busy(message: &str) -> Self {
        let refusal = Self::unavailable(message, &Reason::Busy.into());
        refusal.with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Another request stands in the way of this one; `reason` says how. It may be over after a while.
    pub fn conflict(reason: &str, message: &str, may_pass: bool) -> Self {
        let mut refusal = Self::new(StatusCode::CONFLICT, CONFLICT, message);
        for error in &mut refusal.errors {
            if let Some(values) = &mut error.extensions {
                values.set("reason", reason);
            }
        }
        match may_pass {
            true => refusal.with(header::RETRY_AFTER, HeaderValue::from_static("1")),
            false => refusal,
        }
    }

    /// The request is understood and makes no sense.
    pub fn unprocessable(error: ServerError) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            errors: vec![error],
            header: None,
        }
    }

    /// The time limit is over; the outcome says whether a commit was sent by then.
    pub fn timed_out(limit: Duration, outcome: Outcome) -> Self {
        let message = format!("a request may take {} s", limit.as_secs_f64());
        let failure = Unavailable {
            outcome,
            ..Reason::Timeout.into()
        };
        Self::unavailable(message, &failure)
    }

    fn unavailable(message: impl Into<String>, failure: &Unavailable) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut refusal = Self::new(status, SERVICE_UNAVAILABLE, message);
        for error in &mut refusal.errors {
            if let Some(values) = &mut error.extensions {
                set_unavailable(values, failure);
            }
        }
        refusal
    }

    /// The code that should have answered has a bug.
    pub fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, INTERNAL_SERVER_ERROR, "internal error")
    }

    /// Nobody is signed in, or nobody can tell.
    pub fn not_signed_in(error: &Error) -> Self {
        match error {
            Error::Unauthenticated => {
                let refusal = Self::new(StatusCode::UNAUTHORIZED, code(error), error.to_string());
                refusal.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            failure => Self::failed(failure, "can't check a token"),
        }
    }

    /// Something that comes before the request could not be done; `what` is for the log.
    pub fn failed(error: &Error, what: &str) -> Self {
        match error {
            Error::Unavailable(failure) => {
                let refusal = Self::unavailable(failure.to_string(), failure);
                refusal.with(header::RETRY_AFTER, HeaderValue::from_static("1"))
            }
            cause => {
                tracing::error!(?cause, "{what}");
                Self::internal()
            }
        }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// An answer without `data`: the request did not begin to run.
    pub fn into_response(self, media: Media) -> Response {
        let text = rejection_json(&self.errors);
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media.header());
        headers.extend(self.header);
        response
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    errors: &'a [ServerError],
}

/// The answer to a request that did not begin to run for what its document or variables are.
pub fn invalid(media: Media, errors: Vec<ServerError>) -> Response {
    let refusal = Refusal {
        status: media.refusal(),
        errors,
        header: None,
    };
    refusal.into_response(media)
}

/// The answer to one request.
pub fn single(media: Media, answered: LeasedResponse) -> Response {
    if is_request_error(&answered.response) {
        return invalid(media, answered.response.errors);
    }
    with_media(media, Chunks::new(answered).into_body())
}

/// The answer to one request, as it can be given again, and the memory that it holds.
pub fn stored(media: Media, answered: LeasedResponse) -> (Answer, Lease) {
    let status = match is_request_error(&answered.response) {
        true => media.refusal(),
        false => StatusCode::OK,
    };
    let media_type = media.header();
    let (text, lease) = Chunks::new(answered).into_text();
    let answer = Answer {
        status: status.as_u16(),
        media_type: media_type.to_str().unwrap_or_default().to_owned(),
        text,
    };
    (answer, lease)
}

/// The answers to several requests, as they come.
pub fn batch(
    media: Media,
    answers: impl Stream<Item = LeasedResponse> + Send + 'static,
) -> Response {
    let chunks = answers.enumerate().flat_map(|(index, answered)| {
        let before = if index == 0 { "[" } else { "," };
        stream::iter(Chunks::framed(before, answered, ""))
    });
    let end = stream::iter([Bytes::from_static(b"]")]);
    let chunks = chunks.chain(end).map(Ok::<_, Infallible>);
    with_media(media, Body::from_stream(chunks))
}

/// A response as JSON.
pub fn to_json(response: GraphQlResponse) -> String {
    let lease = Memory::unlimited().empty();
    let (text, _) = Chunks::new(LeasedResponse { response, lease }).into_text();
    text
}

/// The response of a request that did not begin to run, as JSON.
pub fn rejection_json(errors: &[ServerError]) -> String {
    serialized(&Refused { errors })
}

/// The errors of a request that did not begin to run, as JSON.
pub fn errors_json(errors: &[ServerError]) -> String {
    serialized(&errors)
}

fn with_media(media: Media, body: Body) -> Response {
    ([(header::CONTENT_TYPE, media.header())], body).into_response()
}

fn serialized(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("answers hold nothing that JSON can't")
}
