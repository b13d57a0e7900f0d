//! Optimistic locking of rows that are edited as a whole: drafts, tasks, predictions and projects.
//!
//! A version counts the changes by the row's own mutation alone: an updated counter or a move is no reason to refuse
//! an edit. A change names the version that it was made to, or overwrites without a check
//! (`docs/decisions/0019-versions-of-rows.md`).

use serde::Serialize;

use super::{Patch, not_cleared};
use crate::error::{Conflict, Error, Problem, Result};

/// Reports an expected version that is null.
pub fn check_input(expected: &Patch<i32>) -> Option<Problem> {
    // Absent means an unconditional write; null is refused, since a client with a missing version would overwrite by
    // mistake.
    let is_null = expected.is_null();
    is_null.then(|| not_cleared(&["input", "expectedVersion"]))
}

/// Returns the expected version if the row has a different version.
pub fn missed(expected: &Patch<i32>, current: i32) -> Option<i32> {
    let expected = expected.value().copied();
    expected.filter(|expected| *expected != current)
}

/// Builds the CONFLICT of a stale write, with the current row and references as ids. `fields` says for each changed
/// field whether the current value differs from the change.
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
