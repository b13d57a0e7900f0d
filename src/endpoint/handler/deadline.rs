//! Deadlines of requests.

use std::sync::Arc;

use tokio::time::Instant;

use crate::app::Fate;

/// End of a request's time limit, with the fate of the commits that the request sends until then: a timeout must say
/// whether the change may have been made (docs/decisions/0023-storage-failures.md).
#[derive(Clone)]
pub struct Deadline {
    pub at: Instant,
    pub fate: Arc<Fate>,
}

impl Deadline {
    /// Deadline of a request within a batch.
    pub fn part(&self) -> Self {
        Self {
            at: self.at,
            fate: self.fate.part(),
        }
    }
}
