//! Errors that refuse a document before it runs.

use async_graphql::{Pos, ServerError};

use crate::{
    error::Location,
    graphql::error::{PERSISTED_QUERY_NOT_FOUND, request_error},
};

/// Maximum number of errors in one response.
pub const MAX_ERRORS: usize = 20;

/// Apollo's link compares this message, and sends the text then:
/// <https://www.apollographql.com/docs/apollo-server/performance/apq>.
pub fn not_found() -> Vec<ServerError> {
    let message = "PersistedQueryNotFound";
    vec![request_error(PERSISTED_QUERY_NOT_FOUND, message, None)]
}

/// A position in a text, as GraphQL errors have it.
pub fn pos(place: Location) -> Pos {
    Pos {
        line: place.line as usize,
        column: place.column as usize,
    }
}
