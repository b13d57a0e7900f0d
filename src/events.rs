//! News of the event log: who has something to read wakes, one reader reads it for all.
//!
//! The log is the history ([`entity::annotation_revision`]) in the order of `event`. What is sent around here
//! is only a wake-up call: whoever misses one finds the same events in the log. All background work runs
//! outside the connection pools' statements but for the reader's, and ends with the last [`Events`].

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
    db::{self, Database},
    error::{Error, Reason, Result},
};

/// Reads the events behind a number, the first of them in order, with what it takes to show them to whoever
/// signed in at an instant or later.
pub type Read = fn(Database, i64, DateTime<Utc>) -> BoxFuture<'static, Result<Batch>>;

/// Batches that wait for a subscriber who is slow; one more, and the subscriber is told. Beside the results that
/// are read along, an event takes less than a kilobyte: some 32 MB, if all batches are as large as can be.
const BUFFER: usize = 256;
/// How often the log is looked at without a wake-up call.
const SLOW_POLL: Duration = Duration::from_millis(250);
/// Longest wait of a subscription for the numbering of events committed before it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// The log's news in this process. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// Set by the first [`Events::start`].
    work: std::sync::Mutex<Option<Vec<AbortHandle>>>,
    reader: Mutex<Option<AbortHandle>>,
    buffer: usize,
}

/// What background work holds. It does not keep [`Inner`] alive.
struct Shared {
    db: Database,
    /// Signals that there may be new events to read.
    wake: watch::Sender<()>,
    /// Every sequence number up to this one is assigned.
    watermark: AtomicI64,
    /// Number of flush requests, and of those that are served.
    flush_requests: watch::Sender<u64>,
    flushed: watch::Sender<u64>,
    /// Receives the reader's batches; `None` while nobody subscribes.
    subscribers: std::sync::Mutex<Option<broadcast::Sender<Arc<Batch>>>>,
    stopped: watch::Sender<bool>,
}

/// A position in the log, as far as this process knows it without a query.
#[derive(Clone, Copy, Debug)]
pub struct LogPosition {
    pub at: DateTime<Utc>,
    /// What this process commits later was begun at this time or since.
    pub horizon: DateTime<Utc>,
    /// Events committed later have higher sequence numbers.
    pub watermark: i64,
    commits_ended: u64,
}

impl Events {
    pub fn new(db: Database) -> Self {
        Self::with_buffer(db, BUFFER)
    }

    /// With another bound for slow subscribers, in batches.
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

    /// Begins to number what is committed and to hear of other processes, where the database needs that: a
    /// server does so from the start, so that others hear of its writes at once. Does nothing a second time.
    pub fn start(&self) {
        let mut work = self.inner.work.lock().expect("nobody panics with it");
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

    /// Resolves when [`Events::stop`] was called.
    pub async fn stopped(&self) {
        let mut stopped = self.inner.shared.stopped.subscribe();
        // The sender lives as long as we do.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// Batches of all events from now on, read by one reader for all who listen.
    pub async fn listen(&self, read: Read) -> Result<broadcast::Receiver<Arc<Batch>>> {
        self.start();
        let shared = &self.inner.shared;
        if *shared.stopped.borrow() {
            return Err(Error::unavailable(Reason::Stopping));
        }
        let mut reader = self.inner.reader.lock().await;
        if let Some(receiver) = shared
            .subscribers()
            .as_ref()
            .map(broadcast::Sender::subscribe)
        {
            return Ok(receiver);
        }
        let head = reader::last_readable(&shared.db).await?;
        let (sender, receiver) = broadcast::channel(self.inner.buffer);
        *shared.subscribers() = Some(sender);
        let running = tokio::spawn(reader::run(shared.clone(), head, read));
        *reader = Some(running.abort_handle());
        Ok(receiver)
    }

    /// Waits until every event committed before has its sequence number.
    pub async fn flush(&self) -> Result<()> {
        let shared = &self.inner.shared;
        if shared.db.backend() == DbBackend::Sqlite {
            return Ok(());
        }
        self.start();
        let mut ticket = 0;
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

    /// The last sequence number assigned. Its event may be rolled back, or not readable yet.
    pub async fn last_seq(&self) -> Result<i64> {
        Ok(reader::last_seq(&self.inner.shared.db).await?)
    }

    /// Behind the last event that can be read.
    pub async fn end(&self) -> Result<i64> {
        Ok(reader::last_readable(&self.inner.shared.db).await?)
    }

    /// The current position.
    pub fn now(&self) -> LogPosition {
        let commits = self.inner.shared.db.commits();
        LogPosition {
            at: db::now(),
            horizon: commits.horizon(),
            watermark: self.inner.shared.watermark.load(Ordering::SeqCst),
            commits_ended: *commits.ended().borrow(),
        }
    }

    /// Whether no commit of this process was under way at any time since.
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
