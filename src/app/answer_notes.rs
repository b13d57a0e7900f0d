//! Facts about the answer to a request, noted by what runs for it and read by what may keep the answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

/// Properties of an answer, recorded while the answer is built. Clones share the record.
#[derive(Clone, Debug, Default)]
pub struct AnswerNotes(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    must_not_be_stored: AtomicBool,
    own_losses: AtomicI64,
}

impl AnswerNotes {
    /// Notes that the answer holds a secret, which is told once.
    pub fn no_store(&self) {
        self.0.must_not_be_stored.store(true, Ordering::SeqCst);
    }

    /// Says whether nothing forbade storing the answer for its `Idempotency-Key`.
    pub fn may_be_stored(&self) -> bool {
        !self.0.must_not_be_stored.load(Ordering::SeqCst)
    }

    /// Notes losses of access that the request's user brought upon themselves.
    pub fn add_own_losses(&self, losses: i64) {
        self.0.own_losses.fetch_add(losses, Ordering::SeqCst);
    }

    /// Number of losses of access so far that the request's user brought about.
    pub fn own_losses(&self) -> i64 {
        self.0.own_losses.load(Ordering::SeqCst)
    }
}
