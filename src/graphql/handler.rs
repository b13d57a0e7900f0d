//! `POST /graphql`: GraphQL over HTTP, thin.

use std::cmp::Reverse;

use std::{any::Any, time::Duration};

use async_graphql::{BatchResponse, Response as GraphQlResponse, ServerError};
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Schema, envelope,
    error::{
        BAD_REQUEST, INTERNAL_SERVER_ERROR, LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, is_request_error,
        request_error,
    },
};
use crate::{auth, error::Error};

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL_JSON: &str = "application/graphql-response+json; charset=utf-8";

/// What the handler works with.
#[derive(Clone)]
pub struct Endpoint {
    pub schema: Schema,
    /// Bytes of the largest body that is read.
    pub max_body: usize,
    /// How long a request may take, from its head to its answer.
    pub timeout: Duration,
}

/// Answers one request. Nothing of it is read before the caller is known.
pub async fn post(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Body) -> Response {
    let timeout = endpoint.timeout;
    match tokio::time::timeout(timeout, respond(&endpoint, &headers, body)).await {
        Ok(response) => response,
        Err(_) => {
            let media = Media::accepted(&headers).unwrap_or(Media::Json);
            let message = format!("a request may take {} s", timeout.as_secs());
            let status = StatusCode::SERVICE_UNAVAILABLE;
            refused(media, status, SERVICE_UNAVAILABLE, &message)
        }
    }
}

/// The answer when the code that should have given one has a bug.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    refused(
        Media::Json,
        StatusCode::INTERNAL_SERVER_ERROR,
        INTERNAL_SERVER_ERROR,
        "internal error",
    )
}

async fn respond(endpoint: &Endpoint, headers: &HeaderMap, body: Body) -> Response {
    let Some(media) = Media::accepted(headers) else {
        return refused(
            Media::Json,
            StatusCode::NOT_ACCEPTABLE,
            BAD_REQUEST,
            "this server answers application/graphql-response+json and application/json",
        );
    };
    let actor = match auth::actor(&endpoint.schema.app, headers).await {
        Ok(actor) => actor,
        Err(error) => return not_signed_in(media, &error),
    };
    if !is_json(headers) {
        return refused(
            media,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BAD_REQUEST,
            "send the request as application/json in UTF-8, without a Content-Encoding",
        );
    }
    let Ok(body) = axum::body::to_bytes(body, endpoint.max_body).await else {
        let message = format!("a request has at most {} bytes", endpoint.max_body);
        return refused(
            media,
            StatusCode::PAYLOAD_TOO_LARGE,
            LIMIT_EXCEEDED,
            &message,
        );
    };
    let envelope = match envelope::from_bytes(&body) {
        Ok(envelope) => envelope,
        Err(message) => return refused(media, StatusCode::BAD_REQUEST, BAD_REQUEST, &message),
    };
    let response = match endpoint.schema.prepare(envelope).await {
        Ok(prepared) => endpoint.schema.run(actor, prepared).await,
        Err(errors) => GraphQlResponse::from_errors(errors),
    };
    answer(media, response)
}

/// Any other method.
pub async fn not_allowed() -> Response {
    let mut response = refused(
        Media::Json,
        StatusCode::METHOD_NOT_ALLOWED,
        BAD_REQUEST,
        "send a POST request",
    );
    let allow = HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

fn not_signed_in(media: Media, error: &Error) -> Response {
    let (status, message) = match error {
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, error.to_string()),
        Error::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        cause => {
            tracing::error!(?cause, "can't check a token");
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }
    };
    let mut response = refused(media, status, super::error::code(error), &message);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// How an answer is labelled, and so which status a refused request has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Media {
    Json,
    GraphQl,
}

impl Media {
    /// The better liked of the two; JSON when the client does not care. `None` when it takes neither.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::ACCEPT).iter();
        let ranges: Vec<(String, f32)> = values
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(|range| range.trim().to_ascii_lowercase())
            .filter(|range| !range.is_empty())
            .map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let media = parts.next().unwrap_or_default().to_owned();
                let quality = parts
                    .find_map(|part| part.strip_prefix("q="))
                    .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
                (media, quality)
            })
            .collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        match (Self::Json.liking(&ranges), Self::GraphQl.liking(&ranges)) {
            (None, None) => None,
            (json, graphql) if graphql > json => Some(Self::GraphQl),
            _ => Some(Self::Json),
        }
    }

    /// How well the ranges of an `Accept` like this type: by quality, then by how exactly they name it,
    /// then by how early. The most exact range decides, as RFC 9110 has it.
    fn liking(self, ranges: &[(String, f32)]) -> Option<(f32, usize, Reverse<usize>)> {
        let name = match self {
            Self::Json => "application/json",
            Self::GraphQl => "application/graphql-response+json",
        };
        let (exactness, position, quality) = ranges
            .iter()
            .enumerate()
            .filter_map(|(position, (range, quality))| {
                let names = ["*/*", "application/*", name];
                let exactness = names.iter().position(|name| name == range)?;
                Some((exactness, Reverse(position), *quality))
            })
            .max_by_key(|(exactness, position, _)| (*exactness, *position))?;
        (quality > 0.0).then_some((quality, exactness, position))
    }

    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => JSON,
            Self::GraphQl => GRAPHQL_JSON,
        })
    }
}

/// `application/json`, in UTF-8 and not compressed. Nothing else: a browser sends other types across
/// origins without asking.
fn is_json(headers: &HeaderMap) -> bool {
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    let Some(content_type) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| {
        parameter
            .to_ascii_lowercase()
            .strip_prefix("charset=")
            .is_none_or(|charset| charset.trim_matches('"') == "utf-8")
    });
    is_json && is_utf8 && !encoded
}

fn answer(media: Media, response: GraphQlResponse) -> Response {
    if is_request_error(&response) {
        let status = match media {
            Media::Json => StatusCode::OK,
            Media::GraphQl => StatusCode::BAD_REQUEST,
        };
        return errors_only(media, status, response.errors);
    }
    let mut response = GraphQLResponse(BatchResponse::Single(response)).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media.header());
    response
}

fn refused(media: Media, status: StatusCode, code: &str, message: &str) -> Response {
    errors_only(media, status, vec![request_error(code, message, None)])
}

/// An answer without `data`: the request did not begin to run.
fn errors_only(media: Media, status: StatusCode, errors: Vec<ServerError>) -> Response {
    #[derive(serde::Serialize)]
    struct Errors {
        errors: Vec<ServerError>,
    }
    let body =
        serde_json::to_string(&Errors { errors }).expect("errors hold nothing that JSON can't");
    (status, [(header::CONTENT_TYPE, media.header())], body).into_response()
}
