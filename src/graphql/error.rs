//! Conversion of domain errors to GraphQL errors: code, path and extensions
//! (<https://spec.graphql.org/September2025/#sec-Errors>).

use async_graphql::{ErrorExtensionValues, PathSegment, Pos, Response, ServerError, Value};
use serde::Serialize;

use super::scalar;
use crate::{
    app::App,
    error::{Error, Outcome, Problem, Segment, Unavailable},
};

/// Codes of `extensions.code`, the same for all transports.
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
/// Request that is no GraphQL over HTTP, WebSocket or event stream.
pub const BAD_REQUEST: &str = "BAD_REQUEST";
/// Stale write.
pub const CONFLICT: &str = "CONFLICT";
/// Visible object, without the permission for the operation.
pub const FORBIDDEN: &str = "FORBIDDEN";
/// Document with a syntax error.
pub const GRAPHQL_PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// Document that does not fit the schema.
pub const GRAPHQL_VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// Fault of the server; the details are in the log alone.
pub const INTERNAL_SERVER_ERROR: &str = "INTERNAL_SERVER_ERROR";
/// Request or answer beyond a limit of the server.
pub const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
/// Hash of a document that the server does not have: send the text with the hash.
pub const PERSISTED_QUERY_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
/// Passing failure; `reason` and `outcome` say more.
pub const SERVICE_UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";

/// The code of an error, as `extensions.code` has it.
pub fn code(error: &Error) -> &'static str {
    match error {
        Error::BadInput(_) => BAD_USER_INPUT,
        Error::NotFound(_) => "NOT_FOUND",
        Error::Forbidden(_) => FORBIDDEN,
        Error::Conflict(_) => CONFLICT,
        Error::Unauthenticated => "UNAUTHENTICATED",
        Error::TooSlow { .. } | Error::TooMuch(_) | Error::AnswerTooLarge { .. } => LIMIT_EXCEEDED,
        Error::Unavailable(_) => SERVICE_UNAVAILABLE,
        Error::Internal(_) => INTERNAL_SERVER_ERROR,
    }
}

/// Adds the code to each error of a response. Logs internal errors,
/// and reports failures of the database to the database's health.
pub fn assign_codes(app: &App, mut response: Response) -> Response {
    for error in &mut response.errors {
        // Errors with a code come from the endpoint or a budget and are final.
        if error
            .extensions
            .as_ref()
            .is_some_and(|values| values.get("code").is_some())
        {
            continue;
        }
        let Some(source) = error.source::<Error>().cloned() else {
            // Error of the library: a value did not match its field's type. The message could expose internals.
            tracing::error!(message = error.message, path = ?error.path, "unexpected GraphQL error");
            *error = ServerError {
                extensions: Some(with_code(INTERNAL_SERVER_ERROR)),
                message: "internal error".to_owned(),
                ..error.clone()
            };
            continue;
        };
        // Lets the health check learn of a database failure from this request.
        app.db.health().note(&source);
        if let Error::Internal(cause) = &source {
            // Logs the cause here, where the error stops travelling; the client gets no internals.
            tracing::error!(%cause, path = ?error.path, "internal error");
        }
        error.message = shortened(source.to_string());
        error.extensions = Some(extensions(&source));
    }
    response
}

/// Sets the outcome of failures below the root fields of a mutation to UNKNOWN: the root field has returned, so its
/// write is committed, and reading it for the answer failed. A failure of the root field itself keeps its outcome.
pub fn mark_failed_reads(response: &mut Response) {
    for error in &mut response.errors {
        if error.path.len() > 1
            && let Some(values) = &mut error.extensions
            && values.get("outcome").is_some()
        {
            values.set("outcome", Outcome::Unknown.word());
        }
    }
}

/// An error that refuses a request before anything of it runs.
pub fn request_error(code: &str, message: impl Into<String>, at: Option<Pos>) -> ServerError {
    let mut error = ServerError::new(shortened(message.into()), at);
    error.extensions = Some(with_code(code));
    error
}

/// Says whether an error has any of these codes.
pub fn has_code(error: &ServerError, codes: &[&str]) -> bool {
    let code = error
        .extensions
        .as_ref()
        .and_then(|values| values.get("code"));
    matches!(code, Some(Value::String(code)) if codes.contains(&code.as_str()))
}

/// A request that asks for more than is allowed: which limit, and by how much.
pub fn limit_error(limit: &str, max: u64, actual: u64, of_what: &str) -> ServerError {
    // Largest integer that each JSON reader represents exactly: https://www.rfc-editor.org/rfc/rfc8259#section-6
    const LARGEST: u64 = (1 << 53) - 1;
    let (actual, more) = match actual {
        LARGEST.. => (LARGEST, "or more "),
        actual => (actual, ""),
    };
    let message = format!("the document asks for {actual} {more}{of_what}; {max} is the limit");
    let mut error = request_error(LIMIT_EXCEEDED, message, None);
    if let Some(values) = &mut error.extensions {
        values.set("limit", limit);
        values.set("max", max);
        values.set("actual", actual);
    }
    error
}

/// A request error that names the problems of its variables and literals.
pub fn input_error(problems: Vec<Problem>) -> ServerError {
    let error = Error::BadInput(problems);
    let mut refused = ServerError::new(shortened(error.to_string()), None);
    refused.extensions = Some(extensions(&error));
    refused
}

/// Says whether a response is a request error: no data, and no error at a field.
pub fn is_request_error(response: &Response) -> bool {
    // Errors before execution carry no path of a field; errors of fields do.
    response.data == Value::Null
        && !response.errors.is_empty()
        && response
            .errors
            .iter()
            .all(|error| !matches!(error.path.first(), Some(PathSegment::Field(_))))
}

fn extensions(error: &Error) -> ErrorExtensionValues {
    let mut values = with_code(code(error));
    match error {
        Error::BadInput(problems) => values.set("problems", json(&shorten_paths(problems))),
        Error::Conflict(conflict) => {
            values.set("currentVersion", conflict.current_version);
            values.set("clashingFields", json(&conflict.clashing_fields));
            values.set("clashingRegions", json(&conflict.clashing_regions));
            // The current row is embedded as stored text: parsing would change its numbers.
            values.set("current", scalar::raw(conflict.current.clone()));
        }
        Error::TooSlow { cursor } => values.set("cursor", cursor.as_str()),
        Error::Unavailable(failure) => set_unavailable(&mut values, failure),
        Error::AnswerTooLarge { max } => {
            values.set("limit", "answer");
            values.set("max", *max);
        }
        _ => {}
    }
    values
}

/// Adds the reason of SERVICE_UNAVAILABLE, and whether the change was committed.
pub fn set_unavailable(values: &mut ErrorExtensionValues, failure: &Unavailable) {
    values.set("reason", failure.reason.word());
    values.set("outcome", failure.outcome.word());
}

fn with_code(code: &str) -> ErrorExtensionValues {
    let mut values = ErrorExtensionValues::default();
    values.set("code", code);
    values
}

fn json(value: &impl Serialize) -> Value {
    async_graphql::to_value(value).unwrap_or_default()
}

/// Problems with keys of bounded length in their paths.
fn shorten_paths(problems: &[Problem]) -> Vec<Problem> {
    let mut problems = problems.to_vec();
    for segment in problems.iter_mut().flat_map(|problem| &mut problem.path) {
        // Keys come from clients and can be as long as the request.
        if let Segment::Key(key) = segment {
            *key = shortened(std::mem::take(key));
        }
    }
    problems
}

/// A message of bounded length: clients may send names of any size, and messages quote them.
pub fn shortened(message: String) -> String {
    const LONGEST: usize = 300;
    // Counts characters, not bytes, so that a cut never splits a character.
    match message.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &message[..cut]),
        None => message,
    }
}
