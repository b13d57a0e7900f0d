//! Errors that refuse a document before execution.

use async_graphql::ServerError;

use crate::graphql::error::{PERSISTED_QUERY_NOT_FOUND, request_error};

/// Maximum number of errors in a response.
pub const MAX_ERRORS: usize = 20;

/// Error for an unknown hash. Apollo's link matches this message and then sends the text:
/// <https://www.apollographql.com/docs/apollo-server/performance/apq>.
pub fn not_found() -> Vec<ServerError> {
    let message = "PersistedQueryNotFound";
    vec![request_error(PERSISTED_QUERY_NOT_FOUND, message, None)]
}
