//! Fate of a request: whether a commit was sent, as the answer at the deadline has to say.
//!
//! Decision: docs/decisions/0023-storage-failures.md.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use crate::error::Outcome;

const OPEN: u8 = 0;
/// A commit was sent.
const SENT: u8 = 1;
/// No commit may be sent any more.
const CLOSED: u8 = 2;

/// Commits of a request. The first commit and the deadline race for a single state: either the deadline knows that a
/// commit was sent, or no commit is sent afterwards.
#[derive(Debug, Default)]
pub struct Fate {
    state: AtomicU8,
    /// Batch that contains the request.
    whole: Option<Arc<Fate>>,
}

impl Fate {
    /// Fate of a request within this batch.
    pub fn part(self: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::default(),
            whole: Some(self.clone()),
        })
    }

    /// Forbids further commits. Returns whether a commit was sent before.
    pub fn close(&self) -> Outcome {
        let closed = self
            .state
            .compare_exchange(OPEN, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
        match closed {
            Ok(_) | Err(CLOSED) => Outcome::NotDone,
            Err(_) => Outcome::Unknown,
        }
    }

    /// Says whether commits are allowed, without recording one.
    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::SeqCst) != CLOSED
            && self.whole.as_ref().is_none_or(|whole| whole.is_open())
    }

    /// Records that a commit of the request is about to be sent. False forbids the commit: the request was answered at
    /// the deadline.
    pub(super) fn may_commit(&self) -> bool {
        // Marks the batch first: a closed batch forbids commits of all its requests.
        if !self.whole.as_ref().is_none_or(|whole| whole.may_commit()) {
            return false;
        }
        let sent = self
            .state
            .compare_exchange(OPEN, SENT, Ordering::SeqCst, Ordering::SeqCst);
        sent != Err(CLOSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_ended_commits_nothing() {
        let fate = Fate::default();
        assert_eq!(fate.close(), Outcome::NotDone);
        assert!(!fate.may_commit());
        assert_eq!(fate.close(), Outcome::NotDone);
    }

    #[test]
    fn a_request_that_sent_a_commit_may_have_been_done() {
        let fate = Fate::default();
        assert!(fate.may_commit());
        assert_eq!(fate.close(), Outcome::Unknown);
        // A later mutation of the same request may commit too.
        assert!(fate.may_commit());
    }

    #[test]
    fn parts_have_fates_of_their_own_within_that_of_the_whole() {
        let whole = Arc::new(Fate::default());
        let (first, second) = (whole.part(), whole.part());
        assert!(first.may_commit());
        assert_eq!(second.close(), Outcome::NotDone);
        assert_eq!(whole.close(), Outcome::Unknown);

        let whole = Arc::new(Fate::default());
        let part = whole.part();
        assert_eq!(whole.close(), Outcome::NotDone);
        assert!(!part.may_commit());
    }
}
