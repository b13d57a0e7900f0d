//! Counters of the writes and commits of this process, for the readers of events.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::health::Health;
use crate::instant;

/// Writes and commits of this process, counted when they begin and when they end.
pub struct Commits {
    pub(super) health: Arc<Health>,
    begun: AtomicU64,
    ended: watch::Sender<u64>,
    /// Start times of the open writes, each with a unique number.
    open: Mutex<BTreeSet<(DateTime<Utc>, u64)>>,
    opened: AtomicU64,
}

impl Commits {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self {
            health,
            begun: AtomicU64::default(),
            ended: watch::Sender::default(),
            open: Mutex::default(),
            opened: AtomicU64::default(),
        }
    }

    /// Number of commits that have begun.
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Number of finished commits, failed ones included; the receiver is notified of each.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// Start time of the oldest open write. Later commits began at this time or afterwards.
    pub fn horizon(&self) -> DateTime<Utc> {
        let now = instant::now();
        self.writes().first().map_or(now, |(since, _)| *since)
    }

    pub(super) fn open(self: &Arc<Self>) -> OpenWrite {
        let write = (instant::now(), self.opened.fetch_add(1, Ordering::SeqCst));
        self.writes().insert(write);
        OpenWrite {
            commits: self.clone(),
            write,
        }
    }

    fn writes(&self) -> MutexGuard<'_, BTreeSet<(DateTime<Utc>, u64)>> {
        let writes = self.open.lock();
        writes.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> PendingCommit<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        PendingCommit(self)
    }
}

/// Registration of an open write, removed on drop.
pub(super) struct OpenWrite {
    pub(super) commits: Arc<Commits>,
    write: (DateTime<Utc>, u64),
}

impl Drop for OpenWrite {
    fn drop(&mut self) {
        self.commits.writes().remove(&self.write);
    }
}

/// Commit in progress, counted as finished on drop.
pub(super) struct PendingCommit<'a>(&'a Commits);

impl Drop for PendingCommit<'_> {
    fn drop(&mut self) {
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}
