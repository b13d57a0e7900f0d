//! The commits of this process, as the readers of events need to know them.

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

/// The writes of this process, and their commits: counted as they begin and again as they end.
pub struct Commits {
    pub(super) health: Arc<Health>,
    begun: AtomicU64,
    ended: watch::Sender<u64>,
    /// Since when the writes under way are, each with a number of its own.
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

    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// As many as have ended, whatever came of them; tells of those that follow.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// Whatever is committed from now on was begun at this time or later.
    pub fn horizon(&self) -> DateTime<Utc> {
        let now = instant::now();
        self.writes().first().map_or(now, |(since, _)| *since)
    }

    pub(super) fn open(self: &Arc<Self>) -> Open {
        let write = (instant::now(), self.opened.fetch_add(1, Ordering::SeqCst));
        self.writes().insert(write);
        Open {
            commits: self.clone(),
            write,
        }
    }

    fn writes(&self) -> MutexGuard<'_, BTreeSet<(DateTime<Utc>, u64)>> {
        let writes = self.open.lock();
        writes.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> Commit<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Commit(self)
    }
}

/// A write that is under way as long as this is there.
pub(super) struct Open {
    pub(super) commits: Arc<Commits>,
    write: (DateTime<Utc>, u64),
}

impl Drop for Open {
    fn drop(&mut self) {
        self.commits.writes().remove(&self.write);
    }
}

/// A commit under way.
pub(super) struct Commit<'a>(&'a Commits);

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}
