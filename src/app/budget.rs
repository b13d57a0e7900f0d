//! What one answer may hold. Bytes are charged before they are loaded, and leased from the memory of the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::memory::{Lease, Memory};
use crate::error::{Error, Result};

/// The budget of one answer. Cheap to clone; clones share it.
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
    /// Set aside for what is being read, beside what is charged.
    reserved: Lease,
}

/// Bytes set aside for rows whose size is not known before they are read. Returned when it is dropped.
#[derive(Debug)]
pub struct Reserve<'a> {
    budget: &'a Budget,
    bytes: u64,
}

/// Bytes that are charged until this is dropped.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    bytes: u64,
}

impl Budget {
    /// A budget of so many bytes, as far as the memory has them.
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

    /// A budget that is never exhausted: for what answers no request.
    pub fn unlimited() -> Self {
        Self::new(&Memory::unlimited(), u64::MAX)
    }

    /// Charges bytes that the answer is about to hold, all of them or none. Fails with
    /// [`Error::AnswerTooLarge`] when the answer has not so many left, and with [`Error::Unavailable`] when the
    /// server has not.
    pub fn charge(&self, bytes: u64) -> Result<()> {
        let mut state = self.state();
        if self.left(&state) < bytes {
            return Err(Error::AnswerTooLarge { max: self.0.max });
        }
        Ok(state.charged.grow(bytes)?)
    }

    /// Charges like [`Budget::charge`], but leaves a sixteenth of the budget for what comes later.
    pub fn charge_sparing(&self, bytes: u64) -> Result<()> {
        let mut state = self.state();
        let max = self.0.max;
        if self.left(&state).saturating_sub(max / 16) < bytes {
            return Err(Error::AnswerTooLarge { max });
        }
        Ok(state.charged.grow(bytes)?)
    }

    /// Charges bytes for as long as they are held.
    pub fn hold(&self, bytes: u64) -> Result<Held> {
        self.charge(bytes)?;
        let budget = self.clone();
        Ok(Held { budget, bytes })
    }

    /// Sets bytes aside: as many as are asked for, unless a quarter of what is left is less. All that is set aside
    /// at one time is a quarter of the budget at most, and stands in no charge's way.
    pub fn reserve(&self, bytes: u64) -> Reserve<'_> {
        let mut state = self.state();
        let reserved = state.reserved.bytes();
        let left = self.left(&state).saturating_sub(reserved) / 4;
        let room = (self.0.max / 4).saturating_sub(reserved);
        let bytes = bytes.min(left).min(room);
        // Without memory nothing is set aside; what is charged then tells of it.
        let bytes = state.reserved.grow(bytes).map_or(0, |()| bytes);
        Reserve {
            budget: self,
            bytes,
        }
    }

    /// Hands over what was charged, with the answer that holds it. The next answer begins with a full budget.
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
    /// The bytes that are set aside.
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
