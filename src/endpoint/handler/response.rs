//! Responses, and refusals before execution.

use std::{convert::Infallible, time::Duration};

use async_graphql::{Response as GraphQlResponse, ServerError};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use entity::idempotency_key::Answer;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use super::media::Media;
use crate::{
    app::{Memory, memory::Lease},
    error::{Error, Outcome, Reason, Unavailable},
    graphql::error::{
        BAD_REQUEST, CONFLICT, INTERNAL_SERVER_ERROR, LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, code,
        is_request_error, request_error, set_unavailable,
    },
};

pub use crate::endpoint::chunks::{Chunks, LeasedResponse, errors_json};

/// Refusal of a request before execution.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub errors: Vec<ServerError>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// Refusal with a single error.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            errors: vec![request_error(code, message, None)],
            header: None,
        }
    }

    /// Refusal of a malformed request: 400 and BAD_REQUEST.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, BAD_REQUEST, message)
    }

    /// Refusal of a method: 405 and BAD_REQUEST, with the allowed methods in `Allow`.
    pub fn method(allowed: &'static str, message: &str) -> Self {
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, BAD_REQUEST, message);
        refusal.with(header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// Refusal of an oversized part; the status names the part.
    pub fn too_large(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, LIMIT_EXCEEDED, message)
    }

    /// Refusal above a quota, with status [429](https://www.rfc-editor.org/rfc/rfc6585#section-4). The client may
    /// repeat the request after `wait`.
    pub fn too_often(message: impl Into<String>, wait: Duration) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, LIMIT_EXCEEDED, message);
        // Rounds up: `Retry-After` has whole seconds, and too early a retry would be refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        refusal.with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Refusal because of exhausted memory or connections. The client may repeat the request later.
    pub fn busy(message: &str) -> Self {
        let refusal = Self::unavailable(message, &Reason::Busy.into());
        refusal.with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Refusal because of another request with the same key. `may_pass` adds `Retry-After`.
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

    /// Refusal of a well-formed request that contradicts an earlier one, with status
    /// [422](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.21).
    pub fn unprocessable(error: ServerError) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            errors: vec![error],
            header: None,
        }
    }

    /// Refusal at the deadline; the outcome says whether a commit was sent by then.
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

    /// Refusal after a panic or unexpected error.
    pub fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, INTERNAL_SERVER_ERROR, "internal error")
    }

    /// Refusal of a request without a valid token, or without a database to check it.
    pub fn not_signed_in(error: &Error) -> Self {
        match error {
            Error::Unauthenticated => {
                // A 401 must name a scheme (https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1).
                let refusal = Self::new(StatusCode::UNAUTHORIZED, code(error), error.to_string());
                refusal.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            failure => Self::failed(failure, "can't check a token"),
        }
    }

    /// Refusal because of a failed preparation; `what` describes the preparation in the log.
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

    /// Response without `data`: execution did not start.
    pub fn into_response(self, media: Media) -> Response {
        let text = refusal_json(&self.errors);
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

/// Response to a request with an invalid document or invalid variables.
pub fn invalid(media: Media, errors: Vec<ServerError>) -> Response {
    let refusal = Refusal {
        status: media.refusal(),
        errors,
        header: None,
    };
    refusal.into_response(media)
}

/// Response to a request.
pub fn single(media: Media, answered: LeasedResponse) -> Response {
    if is_request_error(&answered.response) {
        return invalid(media, answered.response.errors);
    }
    with_media(media, Chunks::new(answered).into_body())
}

/// Response to a request in the stored form of an idempotency key, with the lease of its memory.
pub fn stored(media: Media, answered: LeasedResponse) -> (Answer, Lease) {
    let status = match is_request_error(&answered.response) {
        true => media.refusal(),
        false => StatusCode::OK,
    };
    let media_type = media.header();
    let (text, lease) = Chunks::new(answered).into_text();
    let answer = Answer {
        status: status.as_u16().into(),
        media_type: media_type.to_str().ok().map(str::to_owned),
        text: Some(text),
    };
    (answer, lease)
}

/// Response to a batch, streamed answer by answer.
pub fn batch(
    media: Media,
    answers: impl Stream<Item = LeasedResponse> + Send + 'static,
) -> Response {
    // Each answer is written when it arrives: a batch is never in memory as a whole.
    let chunks = answers.enumerate().flat_map(|(index, answered)| {
        let before = if index == 0 { "[" } else { "," };
        stream::iter(Chunks::framed(before, answered, ""))
    });
    let end = stream::iter([Bytes::from_static(b"]")]);
    let chunks = chunks.chain(end).map(Ok::<_, Infallible>);
    with_media(media, Body::from_stream(chunks))
}

/// Serialises a response.
pub fn to_json(response: GraphQlResponse) -> String {
    let lease = Memory::unlimited().empty();
    let (text, _) = Chunks::new(LeasedResponse { response, lease }).into_text();
    text
}

/// Serialises the response to a request that was refused before execution.
pub fn refusal_json(errors: &[ServerError]) -> String {
    serialized(&Refused { errors })
}

fn with_media(media: Media, body: Body) -> Response {
    ([(header::CONTENT_TYPE, media.header())], body).into_response()
}

fn serialized(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("answers hold nothing that JSON can't")
}
