//! Optimistic locking of the rows that people write as a whole: drafts, tasks, predictions and projects.
//!
//! A version counts the changes that its own mutation made, and nothing else: a counter that follows or a move is
//! no reason to refuse somebody's edit. A change names the version that it was made to, or takes the last word.

use serde::Serialize;

use super::{Patch, not_cleared};
use crate::error::{Conflict, Error, Problem, Result};

/// The problem of an expected version that is null.
pub fn check_input(expected: &Patch<i32>) -> Option<Problem> {
    let is_null = expected.is_null();
    is_null.then(|| not_cleared(&["input", "expectedVersion"]))
}

/// The version that a change was made to, when the row is at another one.
pub fn missed(expected: &Patch<i32>, current: i32) -> Option<i32> {
    let expected = expected.value().copied();
    expected.filter(|expected| *expected != current)
}

/// Stale write: refuses it and tells the row as it is, references by id. `fields` says of each field of the change
/// whether the row has another value.
pub fn conflict(
    of: &'static str,
    expected_version: Option<i32>,
    current_version: i32,
    fields: &[(&str, bool)],
    current: &impl Serialize,
) -> Result<Error> {
    let clashing = fields.iter().filter(|(_, differs)| *differs);
    let mut clashing_fields: Vec<String> = clashing.map(|(field, _)| (*field).to_owned()).collect();
    clashing_fields.sort_unstable();
    Ok(Error::Conflict(Box::new(Conflict {
        of,
        expected_version,
        current_version,
        clashing_fields,
        clashing_regions: Vec::new(),
        current: serde_json::to_string(current)?,
    })))
}
