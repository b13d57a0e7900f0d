//! Budget of an answer's bytes. Bytes are charged before they are loaded, and leased from server memory.
//!
//! Decision: docs/decisions/0020-memory-of-answers.md.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::memory::{Lease, Memory};
use crate::error::{Error, Result};

/// Budget of an answer. Cheap to clone; clones share the budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max: u64,
    memory: Memory,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    charged: Lease,
    /// Bytes reserved for reads in progress, besides the charged bytes.
    reserved: Lease,
}

/// Reserved bytes for rows of unknown size. Returned on drop.
#[derive(Debug)]
pub struct Reserve<'a> {
    budget: &'a Budget,
    bytes: u64,
}

/// Charged bytes, returned on drop.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    bytes: u64,
}

impl Budget {
    /// Creates a budget of `max` bytes, leased from `memory`.
    pub fn new(memory: &Memory, max: u64) -> Self {
        Self(Arc::new(Shared {
            max,
            memory: memory.clone(),
            state: Mutex::new(State {
                charged: memory.empty(),
                reserved: memory.empty(),
            }),
        }))
    }

    /// Creates a budget without bound, for work that answers no request.
    pub fn unlimited() -> Self {
        Self::new(&Memory::unlimited(), u64::MAX)
    }

    /// Charges bytes that the answer is about to hold, all or none. Fails with [`Error::AnswerTooLarge`] when the
    /// budget has too few bytes left, and with [`Error::Unavailable`] when the server has.
    pub fn charge(&self, bytes: u64) -> Result<()> {
        let mut state = self.state();
        if self.left(&state) < bytes {
            return Err(Error::AnswerTooLarge { max: self.0.max });
        }
        Ok(state.charged.grow(bytes)?)
    }

    /// Charges the row that a conflict tells. Without room for it, the answer is that failure instead.
    pub fn charge_conflict(&self, error: Error) -> Error {
        let bytes = match &error {
            Error::Conflict(conflict) => conflict.current.len() as u64,
            _ => 0,
        };
        self.charge(bytes).err().unwrap_or(error)
    }

    /// Charges like [`Budget::charge`], but at most half of the whole budget: for a single object that is needed whatever
    /// its size.
    pub fn charge_at_most_half(&self, bytes: u64) -> Result<()> {
        self.charge(bytes.min(self.0.max / 2))
    }

    /// Charges like [`Budget::charge`], but leaves a sixteenth of the budget for later charges.
    pub fn charge_sparing(&self, bytes: u64) -> Result<()> {
        let mut state = self.state();
        let max = self.0.max;
        if self.left(&state).saturating_sub(max / 16) < bytes {
            return Err(Error::AnswerTooLarge { max });
        }
        Ok(state.charged.grow(bytes)?)
    }

    /// Charges bytes until the guard is dropped.
    pub fn hold(&self, bytes: u64) -> Result<Held> {
        self.charge(bytes)?;
        let budget = self.clone();
        Ok(Held { budget, bytes })
    }

    /// Reserves up to `bytes`, at most a quarter of the bytes left. All reservations together take at most a quarter
    /// of the budget, and never make a charge fail.
    pub fn reserve(&self, bytes: u64) -> Reserve<'_> {
        let mut state = self.state();
        let reserved = state.reserved.bytes();
        let left = self.left(&state).saturating_sub(reserved) / 4;
        let room = (self.0.max / 4).saturating_sub(reserved);
        let bytes = bytes.min(left).min(room);
        // Without memory reserves nothing; the charge that follows reports the lack.
        let bytes = state.reserved.grow(bytes).map_or(0, |()| bytes);
        Reserve {
            budget: self,
            bytes,
        }
    }

    /// Hands over the charged bytes to the keeper of the answer. The next answer starts with a full budget.
    pub fn take(&self) -> Lease {
        std::mem::replace(&mut self.state().charged, self.0.memory.empty())
    }

    fn left(&self, state: &State) -> u64 {
        self.0.max.saturating_sub(state.charged.bytes())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reserve<'_> {
    /// Number of reserved bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.state().charged.shrink(self.bytes);
    }
}

impl Drop for Reserve<'_> {
    fn drop(&mut self) {
        self.budget.state().reserved.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_refused_what_it_has_not_left() {
        let memory = Memory::new(100);
        let budget = Budget::new(&memory, 10);
        budget.charge(6).unwrap();
        let refused = budget.charge(5).unwrap_err();
        assert!(matches!(refused, Error::AnswerTooLarge { max: 10 }));
        budget.charge(4).unwrap();
        assert_eq!(memory.leased(), 10);
        drop(budget);
        assert_eq!(memory.leased(), 0);
    }

    #[test]
    fn an_answer_waits_for_memory_that_others_hold() {
        let memory = Memory::new(10);
        let other = memory.lease(8).unwrap();
        let budget = Budget::new(&memory, 10);
        assert!(matches!(budget.charge(3), Err(Error::Unavailable(_))));
        assert_eq!(budget.reserve(8).bytes(), 2);
        drop(other);
        budget.charge(3).unwrap();
    }

    #[test]
    fn a_reserve_is_a_part_of_what_is_left_and_returned() {
        let memory = Memory::new(100);
        let budget = Budget::new(&memory, 100);
        budget.charge(20).unwrap();
        let reserve = budget.reserve(1_000);
        assert_eq!((reserve.bytes(), memory.leased()), (20, 40));
        assert_eq!(budget.reserve(5).bytes(), 5);
        drop(reserve);
        assert_eq!(memory.leased(), 20);
    }

    #[test]
    fn what_is_taken_outlives_the_budget() {
        let memory = Memory::new(10);
        let budget = Budget::new(&memory, 10);
        budget.charge(7).unwrap();
        let lease = budget.take();
        budget.charge(3).unwrap();
        drop(budget);
        assert_eq!((lease.bytes(), memory.leased()), (7, 7));
    }
}
