//! Health of the database: conditions that impede it, with start and end.
//!
//! Failures are reported here where they stop travelling. Logs the start and the end of a condition, however many
//! requests fail. A condition ends with a successful write, such as a probe's.
//!
//! Decision: docs/decisions/0023-storage-failures.md.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::DbBackend;
use tokio::sync::watch;

use crate::error::{Error, Reason, Unavailable};

/// Time without a failure until a condition counts as over: an intermittent failure is a single condition.
const QUIET: Duration = Duration::from_secs(2);
/// Longer time for corruption, which only some requests meet.
const QUIET_DAMAGE: Duration = Duration::from_secs(60);
/// Minimum time between distrusting all connections: while a database stays read-only, requests must not reconnect
/// each time.
const RENEWAL: Duration = Duration::from_secs(1);

/// Conditions of a database, shared by all users of the database.
pub struct Health {
    backend: DbBackend,
    state: Mutex<State>,
    /// Notified when a condition begins.
    begun: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    conditions: BTreeMap<Reason, Condition>,
    /// Time of the last successful write.
    written: Option<Instant>,
    /// Connections opened before this time are closed instead of used.
    distrusted: Option<Instant>,
}

struct Condition {
    since: Instant,
    last: Instant,
}

impl Health {
    /// Creates the state of a database without a known condition.
    pub fn new(backend: DbBackend) -> Self {
        Self {
            backend,
            state: Mutex::default(),
            begun: watch::Sender::default(),
        }
    }

    /// Records an error that was sent to a client.
    pub fn note(&self, error: &Error) {
        if let Error::Unavailable(failure) = error
            && failure.reason.is_condition()
        {
            self.begin(failure);
        }
    }

    /// Records an error of background work. Logs errors that are no condition; conditions have a log entry of their
    /// own.
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

    /// Records a failure as a condition, for any reason.
    pub fn begin(&self, failure: &Unavailable) {
        let now = Instant::now();
        let mut state = self.state();
        let is_due = |at: Instant| now.duration_since(at) >= RENEWAL;
        // After a failover the old primary may be a standby: new connections reach the new primary.
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
        // Logs without the lock: writing the log may block.
        drop(state);
        let (reason, error) = (failure.reason.word(), failure.detail());
        tracing::error!(reason, error, "the database fails: {failure}");
        self.begun.send_replace(());
    }

    /// Records a successful write.
    pub fn written(&self) {
        let now = Instant::now();
        let mut state = self.state();
        state.written = Some(now);
        if state.conditions.is_empty() {
            return;
        }
        let quiet = |reason: &Reason| match (reason, self.backend) {
            // A damaged file does not repair itself.
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

    /// Most severe condition.
    pub fn condition(&self) -> Option<Reason> {
        self.state().conditions.keys().next_back().copied()
    }

    /// Forgets the last write: a closed database accepts none.
    pub fn closed(&self) {
        self.state().written = None;
    }

    /// Checks whether a write succeeded within `time`.
    pub fn has_written_within(&self, time: Duration) -> bool {
        let written = self.state().written;
        written.is_some_and(|written| written.elapsed() <= time)
    }

    /// Notifies of conditions that begin.
    pub fn begun(&self) -> watch::Receiver<()> {
        self.begun.subscribe()
    }

    /// Replaces all connections opened before now, each when it is next used: the server was restarted, or became a
    /// standby.
    pub fn distrust(&self) {
        self.state().distrusted = Some(Instant::now());
    }

    /// Checks whether a connection of this age may be used.
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
        // Small writes may succeed while the disk is full.
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
