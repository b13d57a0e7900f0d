//! Writes: one transaction each on PostgreSQL; on SQLite, those that wait for one another end in one commit.
//!
//! SQLite has one writer and waits for the disk at every commit, so a commit per write is what bounds it. A
//! write that ends while others wait for their turn leaves the transaction open; the next one runs inside of
//! it as a savepoint, so that it can fail alone; whoever ends with nobody behind commits for all. A write is
//! answered only after that commit, and fails with it; so is one that was taken back explicitly, for it may
//! tell what it saw of the others.

use std::{
    collections::BTreeSet,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    entity::prelude::async_trait::async_trait,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, oneshot, watch},
};

/// Writes that end in one commit, at the most.
const MAX_WRITES: usize = 64;
/// How long the first of them waits for the others, at the most.
const MAX_WAIT: Duration = Duration::from_millis(10);

/// A write under way. Dropped without [`Write::commit`], it leaves no trace.
pub struct Write {
    /// Taken by the end of the write.
    txn: Option<DatabaseTransaction>,
    /// On SQLite; taken by the end of the write.
    turn: Option<Turn>,
    open: Open,
}

tokio::task_local! {
    static MARK: Statement;
}

/// Runs something of which every write leaves a mark: this statement, executed in the write's own transaction
/// before it commits. When it changes no row, the write is taken back.
pub async fn marked<T>(mark: Statement, run: impl Future<Output = T>) -> T {
    MARK.scope(mark, run).await
}

/// The writes of this process, and their commits: counted as they begin and again as they end.
#[derive(Default)]
pub struct Commits {
    begun: AtomicU64,
    ended: watch::Sender<u64>,
    /// Since when the writes under way are, each with a number of its own.
    open: std::sync::Mutex<BTreeSet<(DateTime<Utc>, u64)>>,
    opened: AtomicU64,
}

impl Commits {
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// As many as have ended, whatever came of them; tells of those that follow.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// Whatever is committed from now on was begun at this time or later.
    pub fn horizon(&self) -> DateTime<Utc> {
        let now = super::now();
        self.writes().first().map_or(now, |(since, _)| *since)
    }

    fn open(self: &Arc<Self>) -> Open {
        let write = (super::now(), self.opened.fetch_add(1, Ordering::SeqCst));
        self.writes().insert(write);
        Open {
            commits: self.clone(),
            write,
        }
    }

    fn writes(&self) -> std::sync::MutexGuard<'_, BTreeSet<(DateTime<Utc>, u64)>> {
        let writes = self.open.lock();
        writes.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn begin(&self) -> Commit<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Commit(self)
    }
}

/// A write that is under way as long as this is there.
struct Open {
    commits: Arc<Commits>,
    write: (DateTime<Utc>, u64),
}

impl Drop for Open {
    fn drop(&mut self) {
        self.commits.writes().remove(&self.write);
    }
}

/// A commit under way.
struct Commit<'a>(&'a Commits);

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}

/// Those who want to write to one SQLite database.
#[derive(Clone, Default)]
pub struct Queue {
    group: Arc<Mutex<Group>>,
    waiting: Arc<AtomicUsize>,
}

/// Writes that have ended and wait for their commit.
#[derive(Default)]
struct Group {
    /// Open while anybody waits for its commit, or writes in it.
    txn: Option<DatabaseTransaction>,
    since: Option<Instant>,
    ended: Vec<oneshot::Sender<Result<(), DbErr>>>,
}

/// The one who writes. Dropped, it hands the turn on, or commits for all whose writes have ended.
struct Turn {
    /// Taken by the end of the turn.
    group: Option<OwnedMutexGuard<Group>>,
    queue: Queue,
}

impl Write {
    /// A transaction of its own.
    pub async fn alone(
        connection: &DatabaseConnection,
        commits: &Arc<Commits>,
    ) -> Result<Self, DbErr> {
        let open = commits.open();
        Ok(Self {
            txn: Some(connection.begin().await?),
            turn: None,
            open,
        })
    }

    /// The next turn at SQLite's one writer.
    pub async fn in_turn(
        connection: &DatabaseConnection,
        queue: &Queue,
        commits: &Arc<Commits>,
    ) -> Result<Self, DbErr> {
        let turn = queue.turn().await;
        to_the_end(turn.begin(connection.clone(), commits.open())).await
    }

    /// Makes the write last. Resolves when it does.
    pub async fn commit(mut self) -> Result<(), DbErr> {
        if let Ok(mark) = MARK.try_with(Clone::clone) {
            let marked = self.execute_raw(mark).await?;
            if marked.rows_affected() == 0 {
                self.rollback().await?;
                return Err(given_up());
            }
        }
        let txn = self.txn.take().expect("a write ends once");
        let commits = self.open.commits.clone();
        let _commit = commits.begin();
        match self.turn.take() {
            None => txn.commit().await,
            Some(turn) => committed(to_the_end(turn.commit(txn)).await?).await,
        }
    }

    /// Takes the write back. Resolves when what it saw of others lasts, so that it may be told.
    pub async fn rollback(mut self) -> Result<(), DbErr> {
        let txn = self.txn.take().expect("a write ends once");
        match self.turn.take() {
            None => txn.rollback().await,
            Some(turn) => match to_the_end(turn.roll_back(txn)).await? {
                Some(told) => committed(told).await,
                None => Ok(()),
            },
        }
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let (Some(txn), Some(turn)) = (self.txn.take(), self.turn.take()) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(turn.roll_back(txn));
        }
    }
}

/// Whether the commit that a write waits for came about.
type Told = oneshot::Receiver<Result<(), DbErr>>;

async fn committed(told: Told) -> Result<(), DbErr> {
    told.await.unwrap_or_else(|_| Err(given_up()))
}

/// Sees a step through even when whoever asked for it goes away. A savepoint that is given up halfway would
/// be taken back twice, by the driver and by SeaORM, and the second time the whole group with it.
async fn to_the_end<T: Send + 'static>(
    step: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<T, DbErr> {
    tokio::spawn(step).await.unwrap_or_else(|_| Err(given_up()))
}

fn given_up() -> DbErr {
    DbErr::Custom("the write was given up".to_owned())
}

impl Deref for Write {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        self.txn.as_ref().expect("a write that has ended is gone")
    }
}

#[async_trait]
impl ConnectionTrait for Write {
    fn get_database_backend(&self) -> DbBackend {
        (**self).get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        (**self).execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        (**self).execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        (**self).query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        (**self).query_all_raw(statement).await
    }
}

impl Queue {
    async fn turn(&self) -> Turn {
        let mut place = Place {
            queue: self,
            has_turn: false,
        };
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let group = self.group.clone().lock_owned().await;
        place.has_turn = true;
        drop(place);
        Turn {
            group: Some(group),
            queue: self.clone(),
        }
    }
}

/// A place in the queue. Whoever leaves it before their turn may be the one that the group waited for.
struct Place<'a> {
    queue: &'a Queue,
    has_turn: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::SeqCst);
        if !self.has_turn {
            let queue = self.queue.clone();
            tokio::spawn(async move { drop(queue.turn().await) });
        }
    }
}

impl Turn {
    fn group(&mut self) -> &mut Group {
        self.group.as_mut().expect("a turn that has ended is gone")
    }

    /// The write lock is taken at once, so that the transaction never fails halfway for want of it.
    async fn begin(mut self, connection: DatabaseConnection, open: Open) -> Result<Write, DbErr> {
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
        let txn = begun.inspect_err(|error| self.fail(error))?;
        Ok(Write {
            txn: Some(txn),
            turn: Some(self),
            open,
        })
    }

    async fn commit(mut self, txn: DatabaseTransaction) -> Result<Told, DbErr> {
        if self.group().txn.is_some() {
            // Releases the savepoint.
            txn.commit().await.inspect_err(|error| self.fail(error))?;
        } else {
            self.group().txn = Some(txn);
        }
        Ok(self.end())
    }

    async fn roll_back(mut self, txn: DatabaseTransaction) -> Result<Option<Told>, DbErr> {
        let rolled_back = txn.rollback().await;
        if self.group().txn.is_none() {
            // It was alone.
            return rolled_back.map(|()| None);
        }
        rolled_back.inspect_err(|error| self.fail(error))?;
        Ok(Some(self.end()))
    }

    /// Puts the writer among those who wait for the commit, and ends the turn.
    fn end(mut self) -> Told {
        let (tell, told) = oneshot::channel();
        self.group().ended.push(tell);
        told
    }

    /// Fails everybody in the group: nobody knows what is left of its transaction.
    fn fail(&mut self, error: &DbErr) {
        let group = self.group();
        drop(group.txn.take());
        for ended in group.ended.drain(..) {
            let _ = ended.send(Err(error.clone()));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut group) = self.group.take() else {
            return;
        };
        let is_full = group.ended.len() >= MAX_WRITES
            || group.since.is_some_and(|since| since.elapsed() >= MAX_WAIT);
        if self.queue.waiting.load(Ordering::SeqCst) > 0 && !is_full {
            return;
        }
        let Some(txn) = group.txn.take() else {
            return;
        };
        // On its own: whoever ends the group may be gone before the commit is.
        tokio::spawn(async move {
            let committed = txn.commit().await;
            for ended in group.ended.drain(..) {
                // Whoever does not listen any more has gone away.
                let _ = ended.send(committed.clone());
            }
        });
    }
}
