//! News of the event log: who has something to read wakes, one reader reads it for all.
//!
//! The log is the history ([`entity::annotation_revision`]) in the order of `event`. What is sent around here
//! is only a wake-up call: whoever misses one finds the same events in the log. All background work runs
//! outside the connection pools' statements but for the reader's, and ends with the last [`Events`].

mod batch;
mod listener;
mod reader;
mod sequencer;
mod trouble;
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

pub use self::batch::{Batch, Event, Place};
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
/// How long a subscription waits for the numbering of what was committed before it.
const SETTLING: Duration = Duration::from_secs(10);

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
    /// Told when there may be something to read.
    grown: watch::Sender<()>,
    /// Every number up to this one is given.
    known: AtomicI64,
    /// How often somebody asked for all that is committed to be numbered, and up to which time it has been.
    asked: watch::Sender<u64>,
    settled: watch::Sender<u64>,
    /// Who hears the reader; `None` while nobody does.
    hearers: std::sync::Mutex<Option<broadcast::Sender<Arc<Batch>>>>,
    stopped: watch::Sender<bool>,
}

/// An instant in the life of the log, as far as this process can tell without asking.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub at: DateTime<Utc>,
    /// What this process commits later was begun at this time or since.
    pub horizon: DateTime<Utc>,
    /// No event of later has this number or a lower one.
    pub known: i64,
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
            grown: watch::Sender::default(),
            known: AtomicI64::new(0),
            asked: watch::Sender::default(),
            settled: watch::Sender::default(),
            hearers: std::sync::Mutex::default(),
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
        let mut tasks = vec![tokio::spawn(reader::look(shared.clone())).abort_handle()];
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
        if let Some(receiver) = shared.hearers().as_ref().map(broadcast::Sender::subscribe) {
            return Ok(receiver);
        }
        let head = reader::end(&shared.db).await?;
        let (sender, receiver) = broadcast::channel(self.inner.buffer);
        *shared.hearers() = Some(sender);
        let running = tokio::spawn(reader::run(shared.clone(), head, read));
        *reader = Some(running.abort_handle());
        Ok(receiver)
    }

    /// Resolves when all that was committed before has its number.
    pub async fn settle(&self) -> Result<()> {
        let shared = &self.inner.shared;
        if shared.db.backend() == DbBackend::Sqlite {
            return Ok(());
        }
        self.start();
        let mut ticket = 0;
        shared.asked.send_modify(|asked| {
            *asked += 1;
            ticket = *asked;
        });
        let mut settled = shared.settled.subscribe();
        let settled = settled.wait_for(|settled| *settled >= ticket);
        match tokio::time::timeout(SETTLING, settled).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::unavailable(Reason::Timeout)),
        }
    }

    /// The last number that was given; an event that bears it may be gone, or not readable yet.
    pub async fn given(&self) -> Result<i64> {
        Ok(reader::given(&self.inner.shared.db).await?)
    }

    /// Behind the last event that can be read.
    pub async fn end(&self) -> Result<i64> {
        Ok(reader::end(&self.inner.shared.db).await?)
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        let commits = self.inner.shared.db.commits();
        Moment {
            at: db::now(),
            horizon: commits.horizon(),
            known: self.inner.shared.known.load(Ordering::SeqCst),
            commits_ended: *commits.ended().borrow(),
        }
    }

    /// Whether no commit of this process was under way at any time since.
    pub fn is_quiet_since(&self, moment: &Moment) -> bool {
        self.inner.shared.db.commits().begun() == moment.commits_ended
    }
}

impl Shared {
    fn hearers(&self) -> std::sync::MutexGuard<'_, Option<broadcast::Sender<Arc<Batch>>>> {
        self.hearers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn know(&self, seq: i64) {
        self.known.fetch_max(seq, Ordering::SeqCst);
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
