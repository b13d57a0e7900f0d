//! Group commit for SQLite, which has a single writer and waits for the disk at every commit.
//!
//! Commits bound the throughput of SQLite, so queued writes share a transaction:
//!
//! 1. A write that ends while others are queued leaves the transaction open and waits.
//! 2. The next write runs in the same transaction as a savepoint, so that a failure is its own.
//! 3. The last write of the queue, or of a full group, commits for all.
//!
//! Writes are acknowledged after the commit of their group, and fail with the group. A rollback waits for that
//! commit, too: its caller may have read uncommitted rows of the group.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::{
    checkpoint, commits::OpenWrite, reader::file_missing, sqlite::Sqlite, write::WriteTxn,
};
use crate::error::{Error, Result};

/// Maximum writes in a group.
const MAX_WRITES: usize = 64;
/// Longest time from the first write of a group to its commit.
const MAX_WAIT: Duration = Duration::from_millis(10);

/// Queue of the writes to a SQLite database.
#[derive(Clone, Default)]
pub struct WriteQueue {
    group: Arc<Mutex<Group>>,
    waiting: Arc<AtomicUsize>,
    sqlite: Arc<Sqlite>,
}

/// Group of writes that share a transaction.
#[derive(Default)]
struct Group {
    /// Open while a write of the group runs or waits for the commit.
    txn: Option<DatabaseTransaction>,
    since: Option<Instant>,
    ended: Vec<oneshot::Sender<Result<()>>>,
}

/// Exclusive turn of a write. A drop passes the turn to the next write, or commits the group.
pub(super) struct WriterTurn {
    /// `None` once the turn has ended.
    group: Option<OwnedMutexGuard<Group>>,
    queue: WriteQueue,
}

/// Receives the outcome of the commit that a write waits for.
pub(super) type CommitReceiver = oneshot::Receiver<Result<()>>;

impl WriteQueue {
    /// Creates an empty queue of the writes to this database.
    pub fn new(sqlite: Arc<Sqlite>) -> Self {
        Self {
            sqlite,
            ..Self::default()
        }
    }

    /// Fails when the files were deleted or replaced.
    fn check(&self) -> Result<(), DbErr> {
        match self.sqlite.files.are_unchanged() {
            true => Ok(()),
            false => Err(file_missing()),
        }
    }

    /// Commits a group. Checks the files before and after, so that no commit to deleted files is acknowledged.
    async fn commit(&self, txn: DatabaseTransaction) -> Result<()> {
        self.check()?;
        txn.commit().await.map_err(Error::of_commit)?;
        checkpoint::after_commit(&self.sqlite);
        self.check().map_err(Error::of_commit)
    }

    pub(super) async fn acquire(&self) -> WriterTurn {
        let mut ticket = QueueTicket {
            queue: self,
            is_granted: false,
        };
        // Counted before waiting: the holder of the turn must know that a write follows.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let group = self.group.clone().lock_owned().await;
        ticket.is_granted = true;
        drop(ticket);
        WriterTurn {
            group: Some(group),
            queue: self.clone(),
        }
    }
}

/// Ticket of a write in the queue. A drop without a turn takes a turn nevertheless: the group may wait for this write
/// to commit.
struct QueueTicket<'a> {
    queue: &'a WriteQueue,
    is_granted: bool,
}

impl Drop for QueueTicket<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::SeqCst);
        if !self.is_granted {
            let queue = self.queue.clone();
            tokio::spawn(async move { drop(queue.acquire().await) });
        }
    }
}

impl WriterTurn {
    fn group(&mut self) -> &mut Group {
        self.group.as_mut().expect("a turn that has ended is gone")
    }

    /// Begins the group's transaction, or a savepoint in it. The mode is immediate: a deferred transaction would fail with
    /// SQLITE_BUSY at its first write when another process holds the lock
    /// (<https://www.sqlite.org/lang_transaction.html#immediate>).
    pub(super) async fn begin(
        mut self,
        connection: DatabaseConnection,
        open: OpenWrite,
    ) -> Result<WriteTxn, DbErr> {
        self.queue.check()?;
        if self.group().txn.is_none() {
            checkpoint::restart_long_log(&self.queue.sqlite, &connection).await?;
        }
        let group = self.group();
        let begun = match &group.txn {
            Some(open) => open.begin().await,
            None => {
                group.since = Some(Instant::now());
                let immediate = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..Default::default()
                };
                connection.begin_with_options(immediate).await
            }
        };
        let txn = begun.inspect_err(|error| self.fail_group(error))?;
        Ok(WriteTxn::new(txn, Some(self), open))
    }

    pub(super) async fn commit(
        mut self,
        txn: DatabaseTransaction,
    ) -> Result<CommitReceiver, DbErr> {
        if self.group().txn.is_some() {
            // Releases the savepoint.
            txn.commit()
                .await
                .inspect_err(|error| self.fail_group(error))?;
        } else {
            self.group().txn = Some(txn);
        }
        Ok(self.finish())
    }

    pub(super) async fn roll_back(
        mut self,
        txn: DatabaseTransaction,
    ) -> Result<Option<CommitReceiver>, DbErr> {
        let rolled_back = txn.rollback().await;
        if self.group().txn.is_none() {
            // The write had the transaction to itself.
            return rolled_back.map(|()| None);
        }
        rolled_back.inspect_err(|error| self.fail_group(error))?;
        Ok(Some(self.finish()))
    }

    /// Adds the write to the waiting writes of the group, and ends the turn.
    fn finish(mut self) -> CommitReceiver {
        let (sender, receiver) = oneshot::channel();
        self.group().ended.push(sender);
        receiver
    }

    /// Fails all writes of the group: the state of its transaction is unknown.
    fn fail_group(&mut self, error: &DbErr) {
        let group = self.group();
        // Dropping the transaction rolls it back.
        drop(group.txn.take());
        for ended in group.ended.drain(..) {
            let _ = ended.send(Err(error.clone().into()));
        }
    }
}

impl Drop for WriterTurn {
    fn drop(&mut self) {
        let Some(mut group) = self.group.take() else {
            return;
        };
        let is_full = group.ended.len() >= MAX_WRITES
            || group.since.is_some_and(|since| since.elapsed() >= MAX_WAIT);
        // Leaves the transaction open for the next write in the queue, which will commit for all.
        if self.queue.waiting.load(Ordering::SeqCst) > 0 && !is_full {
            return;
        }
        let Some(txn) = group.txn.take() else {
            return;
        };
        let queue = self.queue.clone();
        // Separate task: the caller may be cancelled before the commit ends.
        tokio::spawn(async move {
            let committed = queue.commit(txn).await;
            for ended in group.ended.drain(..) {
                // Fails for a caller that was cancelled.
                let _ = ended.send(committed.clone());
            }
        });
    }
}
