//! Writes: one transaction each on PostgreSQL; on SQLite, those that wait for one another end in one commit.
//!
//! SQLite has one writer and waits for the disk at every commit, so a commit per write is what bounds it. A
//! write that ends while others wait for their turn leaves the transaction open; the next one runs inside of
//! it as a savepoint, so that it can fail alone; whoever ends with nobody behind commits for all. A write is
//! answered only after that commit, and fails with it; so is one that was taken back explicitly, for it may
//! tell what it saw of the others.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, entity::prelude::async_trait::async_trait,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard, oneshot},
};

use super::{
    commits::{Commits, Open},
    fate,
    reader::file_missing,
    shares::WritePermit,
    sqlite::Sqlite,
};
use crate::error::{Error, Reason, Result, Unavailable};

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
    /// Released when the write is dropped, after the transaction.
    _permit: Option<WritePermit>,
}

tokio::task_local! {
    static MARK: Statement;
}

/// Runs something of which every write leaves a mark: this statement, executed in the write's own transaction
/// before it commits. When it changes no row, the write is taken back.
pub async fn marked<T>(mark: Statement, run: impl Future<Output = T>) -> T {
    MARK.scope(mark, run).await
}

/// Those who want to write to one SQLite database.
#[derive(Clone, Default)]
pub struct Queue {
    group: Arc<Mutex<Group>>,
    waiting: Arc<AtomicUsize>,
    sqlite: Arc<Sqlite>,
}

/// Writes that have ended and wait for their commit.
#[derive(Default)]
struct Group {
    /// Open while anybody waits for its commit, or writes in it.
    txn: Option<DatabaseTransaction>,
    since: Option<Instant>,
    ended: Vec<oneshot::Sender<Result<()>>>,
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
            txn: Some(begun(connection.clone()).await?),
            turn: None,
            open,
            _permit: None,
        })
    }

    /// Keeps the permit of the user until the write is dropped.
    pub(super) fn holding(mut self, permit: Option<WritePermit>) -> Self {
        self._permit = permit;
        self
    }

    /// The next turn at SQLite's one writer.
    pub async fn in_turn(
        connection: &DatabaseConnection,
        queue: &Queue,
        commits: &Arc<Commits>,
    ) -> Result<Self> {
        let turn = queue.turn().await;
        let begun = to_the_end(turn.begin(connection.clone(), commits.open())).await;
        begun.map_err(Error::not_done)
    }

    /// Makes the write last. Resolves when it does; a failure says whether it may last nevertheless.
    pub async fn commit(mut self) -> Result<()> {
        if let Ok(mark) = MARK.try_with(Clone::clone) {
            let marked = self.execute_raw(mark).await?;
            if marked.rows_affected() == 0 {
                // The request was taken over by another run.
                self.rollback().await?;
                return Err(Error::busy());
            }
        }
        if !fate::may_commit() {
            self.rollback().await?;
            return Err(Error::unavailable(Reason::Timeout));
        }
        let txn = self.txn.take().expect("a write ends once");
        let commits = self.open.commits.clone();
        let _commit = commits.begin();
        let ended = match self.turn.take() {
            None => txn.commit().await.map_err(Error::of_commit),
            Some(turn) => match to_the_end(turn.commit(txn)).await {
                Ok(told) => committed(told).await,
                Err(error) => Err(error),
            },
        };
        match &ended {
            Ok(()) => commits.health.written(),
            Err(error) => commits.health.note(error),
        }
        ended
    }

    /// Takes the write back. Resolves when what it saw of others lasts, so that it may be told.
    pub async fn rollback(mut self) -> Result<()> {
        let txn = self.txn.take().expect("a write ends once");
        match self.turn.take() {
            None => Ok(txn.rollback().await?),
            Some(turn) => match to_the_end(turn.roll_back(txn)).await? {
                Some(told) => committed(told).await.map_err(Error::not_done),
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

/// Begins a transaction, to its end even when the caller goes away: the driver does not take back a `BEGIN` that is
/// given up halfway, and the connection would go back to the pool with a transaction open in which the statements of
/// others get lost.
async fn begun(connection: DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let begun = tokio::spawn(async move { connection.begin().await }).await;
    begun.unwrap_or(Err(DbErr::ConnectionAcquire(
        ConnAcquireErr::ConnectionClosed,
    )))
}

/// Whether the commit that a write waits for came about.
type Told = oneshot::Receiver<Result<()>>;

async fn committed(told: Told) -> Result<()> {
    told.await.unwrap_or_else(|_| Err(given_up()))
}

/// Sees a step through even when whoever asked for it goes away. A savepoint that is given up halfway would
/// be taken back twice, by the driver and by SeaORM, and the second time the whole group with it.
async fn to_the_end<T: Send + 'static>(
    step: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<T> {
    let step = tokio::spawn(step).await;
    Ok(step.map_err(|_| given_up())??)
}

/// The step ended with the runtime, or in a panic.
fn given_up() -> Error {
    Error::Unavailable(Unavailable::from(Reason::Stopping).unknown())
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
    pub fn on(sqlite: Arc<Sqlite>) -> Self {
        Self {
            sqlite,
            ..Self::default()
        }
    }

    /// Fails when the files are not there any more.
    fn check(&self) -> Result<(), DbErr> {
        match self.sqlite.files.are_there() {
            true => Ok(()),
            false => Err(file_missing()),
        }
    }

    /// Commits for a group. A commit into files that are gone by then is not acknowledged.
    async fn commit(&self, txn: DatabaseTransaction) -> Result<()> {
        self.check()?;
        txn.commit().await.map_err(Error::of_commit)?;
        self.check().map_err(Error::of_commit)
    }

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
        self.queue.check()?;
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
            _permit: None,
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
            let _ = ended.send(Err(error.clone().into()));
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
        let queue = self.queue.clone();
        // On its own: whoever ends the group may be gone before the commit is.
        tokio::spawn(async move {
            let committed = queue.commit(txn).await;
            for ended in group.ended.drain(..) {
                // Whoever does not listen any more has gone away.
                let _ = ended.send(committed.clone());
            }
        });
    }
}
