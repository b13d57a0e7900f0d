//! Memory budget of request bodies.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{super::response::Refusal, LARGE};
use crate::{
    app::{Memory, memory},
    fair::{FairSemaphore, Permit},
};

/// Maximum size of a body that is leased from the reserve.
pub const SMALL: usize = 16 << 10;
/// Bytes of the reserve. Only small bodies use it, so that large bodies never shut out small requests.
const RESERVE: usize = 16 << 20;
/// Number of users whose full shares exhaust a pool.
const SHARES: usize = 4;
/// Maximum number of large bodies processed at once: parsed values take several times the size of the body.
const MAX_LARGE: usize = 4;
/// Bytes of server memory leased per byte of a large body: for the body, and for its parsed values.
const PARSED: u64 = 2;
/// `Retry-After` of a body that exceeds a share.
const PAUSE: Duration = Duration::from_secs(1);

/// Bounds the bytes of bodies in memory, in total and per user. Cheap to clone.
#[derive(Clone)]
pub struct BodyBudget(Arc<Shared>);

struct Shared {
    memory: Memory,
    used: Mutex<Used>,
    large: FairSemaphore,
}

struct Used {
    general: Pool,
    reserve: Pool,
}

struct Pool {
    /// Maximum bytes of all users together.
    max: usize,
    /// Maximum bytes per user.
    share: usize,
    total: usize,
    by_user: HashMap<i64, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    General,
    Reserve,
}

/// Reason why a pool can't lease more bytes.
enum Exhausted {
    /// The user's own share is used up.
    ByUser {
        share: usize,
    },
    ByAll,
}

/// Bytes taken from the budget for a body, returned on drop.
pub struct BodyLease {
    budget: Arc<Shared>,
    user_id: i64,
    kind: Kind,
    bytes: usize,
    /// Lease of server memory; starts with the first bytes that the reserve can't hold.
    memory: Option<memory::Lease>,
}

impl BodyBudget {
    /// Creates a budget for bodies of up to `max_body` bytes. Large bodies also lease server memory; the reserve is
    /// separate.
    pub fn new(max_body: usize, memory: Memory) -> Self {
        // Share: the largest body beside its compressed form of the same size.
        let share = max_body.max(LARGE).saturating_mul(2).saturating_add(LARGE);
        let used = Used {
            general: Pool::new(share),
            reserve: Pool::new(RESERVE / SHARES),
        };
        Self(Arc::new(Shared {
            memory,
            used: Mutex::new(used),
            large: FairSemaphore::new(MAX_LARGE),
        }))
    }

    /// Creates an empty lease for a body of the user.
    pub fn lease(&self, user_id: i64) -> BodyLease {
        BodyLease {
            budget: self.0.clone(),
            user_id,
            kind: Kind::Reserve,
            bytes: 0,
            memory: None,
        }
    }

    /// Waits for a permit to process a large body, fair between users.
    pub async fn large(&self, user_id: i64) -> Permit {
        self.0.large.acquire(user_id).await
    }
}

impl BodyLease {
    /// Changes the leased bytes. Call before allocating and after freeing. Fails when the user's share or the
    /// budget is used up; the lease then stays unchanged.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Refusal> {
        let budget = self.budget.clone();
        let mut used = budget.used();
        // Releases before taking, or a growing body would count twice against the share.
        used.pool(self.kind).release(self.user_id, self.bytes);
        let kinds: &[Kind] = match bytes {
            0..=SMALL => &[Kind::Reserve, Kind::General],
            _ => &[Kind::General],
        };
        let mut refusal = Exhausted::ByAll;
        for kind in kinds {
            match used.pool(*kind).take(self.user_id, bytes) {
                Ok(()) if self.resize_memory(*kind, bytes).is_ok() => {
                    (self.kind, self.bytes) = (*kind, bytes);
                    return Ok(());
                }
                Ok(()) => {
                    used.pool(*kind).release(self.user_id, bytes);
                    refusal = Exhausted::ByAll;
                }
                Err(exhausted) => refusal = exhausted,
            }
        }
        // Restores the old lease; no other body can have taken the bytes, because the lock was held.
        used.pool(self.kind).add(self.user_id, self.bytes);
        drop(used);
        Err(refusal.into())
    }

    fn resize_memory(&mut self, kind: Kind, bytes: usize) -> Result<(), memory::Exhausted> {
        let wanted = match kind {
            Kind::Reserve => 0,
            Kind::General => (bytes as u64).saturating_mul(PARSED),
        };
        let lease = match &mut self.memory {
            Some(lease) => lease,
            None if wanted == 0 => return Ok(()),
            None => {
                self.memory = Some(self.budget.memory.lease(wanted)?);
                return Ok(());
            }
        };
        match wanted.checked_sub(lease.bytes()) {
            // Shrinks and grows in place: a new lease beside the old would need both at once.
            Some(more) => lease.grow(more),
            None => {
                lease.shrink(lease.bytes() - wanted);
                Ok(())
            }
        }
    }
}

impl Drop for BodyLease {
    fn drop(&mut self) {
        let mut used = self.budget.used();
        used.pool(self.kind).release(self.user_id, self.bytes);
    }
}

impl Shared {
    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn pool(&mut self, kind: Kind) -> &mut Pool {
        match kind {
            Kind::General => &mut self.general,
            Kind::Reserve => &mut self.reserve,
        }
    }
}

impl Pool {
    fn new(share: usize) -> Self {
        Self {
            max: share.saturating_mul(SHARES),
            share,
            total: 0,
            by_user: HashMap::new(),
        }
    }

    fn take(&mut self, user_id: i64, bytes: usize) -> Result<(), Exhausted> {
        let of_user = self.by_user.get(&user_id).copied().unwrap_or(0);
        if of_user.saturating_add(bytes) > self.share {
            return Err(Exhausted::ByUser { share: self.share });
        }
        if self.total.saturating_add(bytes) > self.max {
            return Err(Exhausted::ByAll);
        }
        self.add(user_id, bytes);
        Ok(())
    }

    fn add(&mut self, user_id: i64, bytes: usize) {
        if bytes > 0 {
            self.total += bytes;
            *self.by_user.entry(user_id).or_default() += bytes;
        }
    }

    fn release(&mut self, user_id: i64, bytes: usize) {
        self.total -= bytes;
        if let Some(of_user) = self.by_user.get_mut(&user_id) {
            *of_user -= bytes;
            if *of_user == 0 {
                self.by_user.remove(&user_id);
            }
        }
    }
}

impl From<Exhausted> for Refusal {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::ByUser { share } => {
                let message = format!(
                    "the bodies of your requests take {share} bytes at once at most: wait for answers, then send it again"
                );
                Self::too_often(message, PAUSE)
            }
            Exhausted::ByAll => Self::busy(
                "the requests of all users take as much memory as bodies may: send it again later",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    const ANN: i64 = 1;
    const BODY: usize = 1 << 20;

    fn budget() -> BodyBudget {
        BodyBudget::new(BODY, Memory::unlimited())
    }

    fn leased(budget: &BodyBudget, user_id: i64, bytes: usize) -> Result<BodyLease, StatusCode> {
        let mut lease = budget.lease(user_id);
        let resized = lease.resize(bytes).map_err(|refusal| refusal.status);
        resized.map(|()| lease)
    }

    #[test]
    fn a_user_has_a_share_and_all_have_a_bound() {
        let budget = budget();
        let ann = [leased(&budget, ANN, BODY), leased(&budget, ANN, 2 * BODY)];
        assert!(ann.iter().all(Result::is_ok));
        let refused = leased(&budget, ANN, SMALL + 1).err();
        assert_eq!(refused, Some(StatusCode::TOO_MANY_REQUESTS));
        let others: Vec<_> = (2..5).map(|user| leased(&budget, user, 3 * BODY)).collect();
        assert!(others.iter().all(Result::is_ok));
        let refused = leased(&budget, 5, SMALL + 1).err();
        assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
        drop(ann);
        assert!(leased(&budget, 5, SMALL + 1).is_ok());
    }

    #[test]
    fn small_bodies_get_in_beside_large_ones() {
        let budget = budget();
        let large: Vec<_> = (1..5).map(|user| leased(&budget, user, 3 * BODY)).collect();
        assert!(large.iter().all(Result::is_ok));
        assert!(leased(&budget, ANN, SMALL).is_ok());
        assert!(leased(&budget, 5, SMALL).is_ok());
    }

    #[test]
    fn a_lease_that_can_not_grow_stays_as_it_is() {
        let budget = budget();
        let mut lease = leased(&budget, ANN, SMALL).unwrap();
        assert!(lease.resize(3 * BODY).is_ok());
        assert!(lease.resize(3 * BODY + 1).is_err());
        drop(lease);
        let used = budget.0.used();
        for pool in [&used.general, &used.reserve] {
            assert_eq!((pool.total, pool.by_user.len()), (0, 0));
        }
    }
    #[test]
    fn large_bodies_lease_the_memory_of_the_server() {
        let memory = Memory::new(4 * BODY as u64);
        let budget = BodyBudget::new(BODY, memory.clone());
        let mut large = leased(&budget, ANN, BODY).unwrap();
        assert_eq!(memory.leased(), 2 * BODY as u64);
        let refused = leased(&budget, 2, BODY + 1).err();
        assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
        assert!(leased(&budget, 2, SMALL).is_ok());
        assert!(large.resize(2 * BODY + 1).is_err());
        assert_eq!(memory.leased(), 2 * BODY as u64);
        assert!(large.resize(SMALL).is_ok());
        assert_eq!(memory.leased(), 0);
        assert!(leased(&budget, 2, 2 * BODY).is_ok());
        assert_eq!(memory.leased(), 0);
    }
}
