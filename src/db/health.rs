//! The health of the database: which conditions keep it from its work, since when, and that they are over.
//!
//! Failures are reported here where they stop travelling. A condition is logged when it begins and when it has
//! ended, however many requests meet it. A probe ends it: a write that succeeds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::DbBackend;
use tokio::sync::watch;

use crate::error::{Error, Reason, Unavailable};

/// Time without a failure before a condition counts as over, so that one that comes and goes is one.
const QUIET: Duration = Duration::from_secs(2);
/// The same for damage, which only some of the requests meet.
const QUIET_DAMAGE: Duration = Duration::from_secs(60);
/// Least time from one loss of trust in all connections to the next: a database that stays read-only is not asked
/// for a new connection by each request.
const RENEWAL: Duration = Duration::from_secs(1);

/// The conditions of one database. Shared by all who use it.
pub struct Health {
    backend: DbBackend,
    state: Mutex<State>,
    /// Told when a condition begins.
    begun: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    conditions: BTreeMap<Reason, Condition>,
    /// When a write succeeded last.
    written: Option<Instant>,
    /// Connections that were made before are closed instead of used.
    distrusted: Option<Instant>,
}

struct Condition {
    since: Instant,
    last: Instant,
}

impl Health {
    pub fn new(backend: DbBackend) -> Self {
        Self {
            backend,
            state: Mutex::default(),
            begun: watch::Sender::default(),
        }
    }

    /// Takes note of an error that somebody was answered.
    pub fn note(&self, error: &Error) {
        if let Error::Unavailable(failure) = error
            && failure.reason.is_condition()
        {
            self.begin(failure);
        }
    }

    /// The same for work that nobody waits for: logged, unless it is one of a condition, which is.
    pub fn report(&self, error: &Error, what: &str) {
        self.note(error);
        let is_told = match error {
            Error::Unavailable(failure) => failure.reason.is_condition(),
            _ => false,
        };
        if !is_told {
            tracing::warn!(?error, "can't {what}");
        }
    }

    /// Takes note of a failure as a condition, whatever its reason.
    pub fn begin(&self, failure: &Unavailable) {
        let now = Instant::now();
        let mut state = self.state();
        let is_due = |at: Instant| now.duration_since(at) >= RENEWAL;
        match failure.reason {
            Reason::Unreachable => state.distrusted = Some(now),
            Reason::ReadOnly if state.distrusted.is_none_or(is_due) => state.distrusted = Some(now),
            _ => {}
        }
        let condition = state.conditions.get_mut(&failure.reason);
        if let Some(condition) = condition {
            condition.last = now;
            return;
        }
        let condition = Condition {
            since: now,
            last: now,
        };
        state.conditions.insert(failure.reason, condition);
        drop(state);
        let (reason, error) = (failure.reason.word(), failure.detail());
        tracing::error!(reason, error, "the database fails: {failure}");
        self.begun.send_replace(());
    }

    /// Takes note of a write that succeeded.
    pub fn written(&self) {
        let now = Instant::now();
        let mut state = self.state();
        state.written = Some(now);
        if state.conditions.is_empty() {
            return;
        }
        let quiet = |reason: &Reason| match (reason, self.backend) {
            // A damaged file does not mend itself.
            (Reason::DatabaseCorrupt, DbBackend::Sqlite) => Duration::MAX,
            (Reason::DatabaseCorrupt, _) => QUIET_DAMAGE,
            _ => QUIET,
        };
        state.conditions.retain(|reason, condition| {
            let is_over = now.duration_since(condition.last) >= quiet(reason);
            if is_over {
                let seconds = condition.since.elapsed().as_secs();
                let reason = reason.word();
                tracing::info!(reason, seconds, "the database works again");
            }
            !is_over
        });
    }

    /// The gravest condition, if there is any.
    pub fn condition(&self) -> Option<Reason> {
        self.state().conditions.keys().next_back().copied()
    }

    /// Forgets the last write: a database that is closed takes none.
    pub fn closed(&self) {
        self.state().written = None;
    }

    /// Whether a write succeeded within this time.
    pub fn has_written_within(&self, time: Duration) -> bool {
        let written = self.state().written;
        written.is_some_and(|written| written.elapsed() <= time)
    }

    /// Tells of conditions that begin.
    pub fn begun(&self) -> watch::Receiver<()> {
        self.begun.subscribe()
    }

    /// Has the connections of before replaced, one by one as they are asked for: the server at their other end was
    /// restarted, or is a standby by now.
    pub fn distrust(&self) {
        self.state().distrusted = Some(Instant::now());
    }

    /// Whether a connection of this age may be used.
    pub fn trusts(&self, age: Duration) -> bool {
        let distrusted = self.state().distrusted;
        distrusted.is_none_or(|at| age < at.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_known_until_it_has_ended() {
        let health = Health::new(DbBackend::Sqlite);
        assert_eq!(health.condition(), None);
        health.note(&Error::busy());
        assert_eq!(health.condition(), None);
        health.note(&Error::unavailable(Reason::DiskFull));
        health.note(&Error::unavailable(Reason::Unreachable));
        assert_eq!(health.condition(), Some(Reason::DiskFull));
        // A small write may succeed while the disk is full.
        health.written();
        assert_eq!(health.condition(), Some(Reason::DiskFull));
    }

    #[test]
    fn connections_of_before_a_loss_are_not_trusted() {
        let health = Health::new(DbBackend::Postgres);
        assert!(health.trusts(Duration::from_secs(1)));
        health.distrust();
        assert!(!health.trusts(Duration::from_secs(1)));
        assert!(health.trusts(Duration::ZERO));
    }
}
