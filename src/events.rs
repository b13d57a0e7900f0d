//! Notification of new events: a single reader per process reads the event log for all subscribers.
//!
//! The log is the history ([`entity::annotation_revision`]) in the order of `event`. Notifications only wake readers;
//! a reader that misses a notification finds the events in the log later. Background work uses connections of its
//! own, except the reader, and ends with the last [`Events`].
//!
//! Decision: docs/decisions/0007-events.md.

mod backoff;
mod batch;
mod listener;
mod reader;
mod sequencer;
mod watcher;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use sea_orm::DbBackend;
use tokio::{
    sync::{Mutex, broadcast, watch},
    task::AbortHandle,
};

pub use self::batch::{Batch, Event, TaskRef};
use crate::{
    db::Database,
    error::{Error, Reason, Result},
    instant,
};

/// Reads the first events after a number, in order, with the facts that decide who sees them. The instant is the
/// earliest at which a current subscriber signed in.
pub type Read = fn(Database, i64, DateTime<Utc>) -> BoxFuture<'static, Result<Batch>>;

/// Batches that wait for a slow subscriber; beyond, the subscriber gets an error. Without results, an event takes
/// less than a kilobyte: some 32 MB for a full buffer.
const BUFFER: usize = 256;
/// Interval of reading the log without a notification.
const SLOW_POLL: Duration = Duration::from_millis(250);
/// Longest wait of a subscription for the numbering of events committed before it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// Notification of events in this process. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// Background tasks, set by the first [`Events::start`].
    work: std::sync::Mutex<Option<Vec<AbortHandle>>>,
    reader: Mutex<Option<AbortHandle>>,
    buffer: usize,
}

/// State of background work. Does not keep [`Inner`] alive.
struct Shared {
    db: Database,
    /// Signals that there may be new events to read.
    wake: watch::Sender<()>,
    /// Watermark: all sequence numbers up to here are assigned.
    watermark: AtomicI64,
    /// Number of flush requests so far; `flushed` has the number of served requests.
    flush_requests: watch::Sender<u64>,
    flushed: watch::Sender<u64>,
    /// Receives the reader's batches. Absent without subscribers.
    subscribers: std::sync::Mutex<Option<broadcast::Sender<Arc<Batch>>>>,
    /// Set by [`Events::stop`].
    stopped: watch::Sender<bool>,
}

/// Position in the log, as far as this process knows without a query.
#[derive(Clone, Copy, Debug)]
pub struct LogPosition {
    pub at: DateTime<Utc>,
    /// Lower bound of the start of all transactions that this process commits later.
    pub horizon: DateTime<Utc>,
    /// Events committed later have higher sequence numbers.
    pub watermark: i64,
    commits_ended: u64,
}

impl Events {
    /// Creates the state of the event log, with the default buffer for slow subscribers.
    pub fn new(db: Database) -> Self {
        Self::with_buffer(db, BUFFER)
    }

    /// Creates the state with another buffer for slow subscribers, in batches.
    pub fn with_buffer(db: Database, buffer: usize) -> Self {
        let shared = Shared {
            db,
            wake: watch::Sender::default(),
            watermark: AtomicI64::new(0),
            flush_requests: watch::Sender::default(),
            flushed: watch::Sender::default(),
            subscribers: std::sync::Mutex::default(),
            stopped: watch::Sender::default(),
        };
        Self {
            inner: Arc::new(Inner {
                shared: Arc::new(shared),
                work: std::sync::Mutex::default(),
                reader: Mutex::default(),
                buffer,
            }),
        }
    }

    /// Starts background work, where the database needs it: numbering of commits, and notifications of other
    /// processes. A server calls this at startup, so that other processes learn of its writes at once. Idempotent.
    pub fn start(&self) {
        let mut work = self.inner.work.lock().expect("nobody panics with it");
        // A subscription may race with shutdown; no task may start after `stop`.
        if work.is_some() || *self.inner.shared.stopped.borrow() {
            return;
        }
        let shared = &self.inner.shared;
        let mut tasks = vec![tokio::spawn(reader::init_watermark(shared.clone())).abort_handle()];
        if self.inner.shared.db.backend() == DbBackend::Postgres {
            tasks.push(tokio::spawn(sequencer::run(shared.clone())).abort_handle());
            tasks.push(tokio::spawn(listener::run(shared.clone())).abort_handle());
        }
        *work = Some(tasks);
    }

    /// Ends all subscriptions and all background work.
    pub fn stop(&self) {
        self.inner.shared.stopped.send_replace(true);
        self.inner.abort();
    }

    /// Resolves after [`Events::stop`].
    pub async fn stopped(&self) {
        let mut stopped = self.inner.shared.stopped.subscribe();
        // Can't fail: `self` keeps the sender.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// Subscribes to batches of all events from now on. A single reader serves all subscribers.
    pub async fn listen(&self, read: Read) -> Result<broadcast::Receiver<Arc<Batch>>> {
        self.start();
        let shared = &self.inner.shared;
        if *shared.stopped.borrow() {
            return Err(Error::unavailable(Reason::Stopping));
        }
        // Held until the channel exists, so that two first subscribers start a single reader.
        let mut reader = self.inner.reader.lock().await;
        if let Some(receiver) = shared
            .subscribers()
            .as_ref()
            .map(broadcast::Sender::subscribe)
        {
            return Ok(receiver);
        }
        // Reads the head before the reader starts: an event committed in between must be delivered.
        let head = reader::last_readable(&shared.db).await?;
        let (sender, receiver) = broadcast::channel(self.inner.buffer);
        *shared.subscribers() = Some(sender);
        let running = tokio::spawn(reader::run(shared.clone(), head, read));
        *reader = Some(running.abort_handle());
        Ok(receiver)
    }

    /// Waits until every event committed before has a sequence number.
    pub async fn flush(&self) -> Result<()> {
        let shared = &self.inner.shared;
        // SQLite numbers an event by its row id within the commit, so there is nothing to wait for.
        if shared.db.backend() == DbBackend::Sqlite {
            return Ok(());
        }
        self.start();
        let mut ticket = 0;
        // The ticket is taken before waiting: a round that started earlier may have missed our commit.
        shared.flush_requests.send_modify(|requests| {
            *requests += 1;
            ticket = *requests;
        });
        let mut flushed = shared.flushed.subscribe();
        let served = flushed.wait_for(|served| *served >= ticket);
        match tokio::time::timeout(FLUSH_TIMEOUT, served).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::unavailable(Reason::Timeout)),
        }
    }

    /// Last assigned sequence number. Its event may be rolled back, or not be readable yet.
    pub async fn last_seq(&self, db: &Database) -> Result<i64> {
        Ok(reader::last_seq(db).await?)
    }

    /// Number of the last readable event.
    pub async fn end(&self, db: &Database) -> Result<i64> {
        Ok(reader::last_readable(db).await?)
    }

    /// Current position.
    pub fn now(&self) -> LogPosition {
        let commits = self.inner.shared.db.commits();
        LogPosition {
            at: instant::now(),
            horizon: commits.horizon(),
            watermark: self.inner.shared.watermark.load(Ordering::SeqCst),
            commits_ended: *commits.ended().borrow(),
        }
    }

    /// Checks whether no commit of this process was in progress at any time since.
    pub fn is_quiet_since(&self, position: &LogPosition) -> bool {
        self.inner.shared.db.commits().begun() == position.commits_ended
    }
}

impl Shared {
    fn subscribers(&self) -> std::sync::MutexGuard<'_, Option<broadcast::Sender<Arc<Batch>>>> {
        self.subscribers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn advance_watermark(&self, seq: i64) {
        self.watermark.fetch_max(seq, Ordering::SeqCst);
    }
}

impl Inner {
    fn abort(&self) {
        let work = self.work.lock().map(|mut work| work.take());
        for task in work.ok().flatten().into_iter().flatten() {
            task.abort();
        }
        if let Ok(mut reader) = self.reader.try_lock()
            && let Some(reader) = reader.take()
        {
            reader.abort();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.abort();
    }
}
