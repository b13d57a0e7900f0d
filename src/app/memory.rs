//! Memory budget of the whole server. Bodies, answers and caches lease their bytes and return them on drop. The
//! budget bounds leased bytes, not the memory of the process.

mod machine;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::error::Error;

/// Shared memory budget. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: u64,
    leased: AtomicU64,
}

/// Bytes of the budget in use, returned on drop.
#[derive(Debug)]
pub struct Lease {
    memory: Memory,
    bytes: u64,
}

/// The budget has too few bytes left; the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server has no memory left for this request, try again")]
pub struct Exhausted;

impl Memory {
    /// Creates a budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Pool {
            limit,
            leased: AtomicU64::new(0),
        }))
    }

    /// Creates a budget without bound, for commands, which run alone.
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Half of the memory of the machine or of the process's control group, whichever is less.
    pub fn half_of_machine() -> u64 {
        machine::memory() / 2
    }

    /// Bytes of the whole budget.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// Bytes leased at present.
    pub fn leased(&self) -> u64 {
        self.0.leased.load(Ordering::Relaxed)
    }

    /// Leases bytes, all or none.
    pub fn lease(&self, bytes: u64) -> Result<Lease, Exhausted> {
        let mut lease = self.empty();
        lease.grow(bytes)?;
        Ok(lease)
    }

    /// Creates an empty lease, to be grown.
    pub fn empty(&self) -> Lease {
        Lease {
            memory: self.clone(),
            bytes: 0,
        }
    }
}

impl Lease {
    /// Bytes of the lease.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Leases further bytes, all or none.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let pool = &self.memory.0;
        let more = |leased: u64| {
            let leased = leased.checked_add(bytes)?;
            (leased <= pool.limit).then_some(leased)
        };
        // Relaxed: the counter alone is shared, and guards no other memory.
        let (set, fetched) = (Ordering::Relaxed, Ordering::Relaxed);
        pool.leased
            .fetch_update(set, fetched, more)
            .map_err(|_| Exhausted)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Returns bytes early, at most the whole lease.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.memory.0.leased.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

impl From<Exhausted> for Error {
    fn from(_: Exhausted) -> Self {
        Self::busy()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_returned_when_dropped() {
        let memory = Memory::new(10);
        let mut lease = memory.lease(4).unwrap();
        lease.grow(6).unwrap();
        assert_eq!(lease.grow(1), Err(Exhausted));
        assert_eq!(memory.lease(1).unwrap_err(), Exhausted);
        lease.shrink(3);
        assert_eq!((lease.bytes(), memory.leased()), (7, 7));
        let other = memory.lease(3).unwrap();
        drop(lease);
        assert_eq!(memory.leased(), 3);
        drop(other);
        assert_eq!(memory.leased(), 0);
    }

    #[test]
    fn shrinking_returns_what_is_held_and_no_more() {
        let memory = Memory::new(10);
        let _other = memory.lease(5).unwrap();
        let mut lease = memory.lease(2).unwrap();
        lease.shrink(3);
        assert_eq!((lease.bytes(), memory.leased()), (0, 5));
    }

    #[test]
    fn nothing_overflows() {
        let memory = Memory::unlimited();
        let _lease = memory.lease(u64::MAX).unwrap();
        assert_eq!(memory.lease(1).unwrap_err(), Exhausted);
    }
}
