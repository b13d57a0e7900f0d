//! Valid document with the facts that execution needs.

use std::collections::HashMap;

use apollo_compiler::{ExecutableDocument as CheckedDocument, Name, validation::Valid};
use async_graphql::parser::types::ExecutableDocument;

use super::hash::Hash;
use crate::endpoint::{coercion::Values, cost::Cost};

/// Bytes of JSON that parse in the time that a field takes to resolve and serialise.
const FIELD: usize = 16;

/// Valid document.
pub struct Document {
    /// Hash of the text.
    pub hash: Hash,
    pub parsed: ExecutableDocument,
    pub checked: Valid<CheckedDocument>,
    /// Facts about the values of each operation.
    pub values: HashMap<Option<Name>, Values>,
    /// Length of the text in bytes, and number of tokens.
    pub size: (usize, usize),
}

impl Document {
    /// Estimated bytes in memory, rather too many than too few. Measured allocations of varied documents were 45 to
    /// 210 bytes per token beside the text.
    pub fn bytes(&self) -> usize {
        let (bytes, tokens) = self.size;
        1_024 + 3 * bytes + 220 * tokens
    }

    /// Estimated work of an answer with `cost` objects, as bytes of JSON that take as long to parse. A token of the
    /// document is about half a field; a field takes about a microsecond.
    pub fn bytes_to_run(&self, cost: Cost) -> usize {
        let (_, tokens) = self.size;
        let objects = usize::try_from(cost.requested).unwrap_or(usize::MAX);
        objects.saturating_mul(tokens).saturating_mul(FIELD / 2)
    }

    /// Name of the operation that runs when the request names none.
    pub fn only_operation(&self) -> Option<&str> {
        let operation = self.checked.operations.get(None).ok()?;
        operation.name.as_deref()
    }
}
