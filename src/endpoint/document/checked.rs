//! A valid document, ready to run.

use std::collections::HashMap;

use apollo_compiler::{ExecutableDocument as CheckedDocument, Name, validation::Valid};
use async_graphql::parser::types::ExecutableDocument;

use crate::endpoint::{coercion::Values, cost::Cost};

/// Bytes of JSON that take as long to read as a field takes to resolve and to write out.
const FIELD: usize = 16;

/// A valid document.
pub struct Document {
    pub parsed: ExecutableDocument,
    pub checked: Valid<CheckedDocument>,
    /// What the values of each operation are.
    pub values: HashMap<Option<Name>, Values>,
    /// Bytes and tokens of its text.
    pub size: (usize, usize),
}

impl Document {
    /// Bytes that it takes in memory, rather more than less: allocations of documents of many kinds were
    /// counted, and took 45 to 210 bytes for a token beside the text.
    pub fn bytes(&self) -> usize {
        let (bytes, tokens) = self.size;
        1_024 + 3 * bytes + 220 * tokens
    }

    /// What an answer of as many objects is expected to take, as bytes of JSON that take as long to read: a token of
    /// the document is about half a field, and a field takes about a microsecond.
    pub fn bytes_to_run(&self, cost: Cost) -> usize {
        let (_, tokens) = self.size;
        let objects = usize::try_from(cost.requested).unwrap_or(usize::MAX);
        objects.saturating_mul(tokens).saturating_mul(FIELD / 2)
    }

    /// The name of the operation that runs when none is named.
    pub fn only_operation(&self) -> Option<&str> {
        let operation = self.checked.operations.get(None).ok()?;
        operation.name.as_deref()
    }
}
