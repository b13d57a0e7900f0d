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

tokio::task_local! {
    static CURRENT: Arc<Fate>;
}

/// Commits of a request. The first commit and the deadline race for a single state: either the deadline knows that a
/// commit was sent, or no commit is sent afterwards.
#[derive(Debug, Default)]
pub struct Fate {
    state: AtomicU8,
    /// Batch that contains the request.
    whole: Option<Arc<Fate>>,
}

impl Fate {
    /// Fate of the current task's request; a new one outside of requests.
    pub fn current() -> Arc<Self> {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Fate of a request within a batch.
    pub fn part() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::default(),
            whole: CURRENT.try_with(Clone::clone).ok(),
        })
    }

    /// Runs a future as part of this request.
    pub async fn scope<T>(self: Arc<Self>, run: impl Future<Output = T>) -> T {
        CURRENT.scope(self, run).await
    }

    /// Runs bookkeeping, whose commits don't count as the request's.
    pub async fn apart<T>(run: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::default(), run).await
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

    fn send(&self) -> bool {
        // Marks the batch first: a closed batch forbids commits of all its requests.
        if !self.whole.as_ref().is_none_or(|whole| whole.send()) {
            return false;
        }
        let sent = self
            .state
            .compare_exchange(OPEN, SENT, Ordering::SeqCst, Ordering::SeqCst);
        sent != Err(CLOSED)
    }
}

/// Records that a commit of the current request is about to be sent. False forbids the commit: the request was
/// answered at the deadline.
pub(super) fn may_commit() -> bool {
    CURRENT.try_with(|fate| fate.send()).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_was_ended_commits_nothing() {
        let fate = Fate::current();
        assert_eq!(fate.close(), Outcome::NotDone);
        assert!(!fate.clone().scope(async { may_commit() }).await);
        assert_eq!(fate.close(), Outcome::NotDone);
    }

    #[tokio::test]
    async fn a_request_that_sent_a_commit_may_have_been_done() {
        let fate = Fate::current();
        assert!(fate.clone().scope(async { may_commit() }).await);
        assert_eq!(fate.close(), Outcome::Unknown);
        // A later mutation of the same request may commit too.
        assert!(fate.scope(async { may_commit() }).await);
    }

    #[tokio::test]
    async fn parts_have_fates_of_their_own_within_that_of_the_whole() {
        let whole = Fate::current();
        let parts = async { (Fate::part(), Fate::part()) };
        let (first, second) = whole.clone().scope(parts).await;
        assert!(first.clone().scope(async { may_commit() }).await);
        assert_eq!(second.close(), Outcome::NotDone);
        assert_eq!(whole.close(), Outcome::Unknown);

        let whole = Fate::current();
        let part = whole.clone().scope(async { Fate::part() }).await;
        assert_eq!(whole.close(), Outcome::NotDone);
        assert!(!part.scope(async { may_commit() }).await);
    }
}
