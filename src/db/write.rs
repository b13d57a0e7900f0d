//! Write transactions: a transaction per write on PostgreSQL, [group commit](super::group_commit) on SQLite.

use std::{ops::Deref, sync::Arc};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, Statement, TransactionTrait,
    entity::prelude::async_trait::async_trait,
};
use tokio::runtime::Handle;

use super::{
    commits::{Commits, OpenWrite},
    group_commit::{CommitReceiver, WriteQueue, WriterTurn},
    scope::Scope,
    shares::WritePermit,
};
use crate::error::{Error, Reason, Result, Unavailable};

/// Write transaction. Rolled back when it is dropped without [`WriteTxn::commit`].
pub struct WriteTxn {
    /// `None` once the write has ended.
    txn: Option<DatabaseTransaction>,
    /// Turn at SQLite's writer. `None` on PostgreSQL, and once the write has ended.
    turn: Option<WriterTurn>,
    open: OpenWrite,
    /// Conditions of the commit.
    scope: Scope,
    /// Released after the transaction, when the write is dropped.
    _permit: Option<WritePermit>,
}

impl WriteTxn {
    /// Begins a separate transaction, on PostgreSQL.
    pub async fn begin(
        connection: &DatabaseConnection,
        commits: &Arc<Commits>,
    ) -> Result<Self, DbErr> {
        let open = commits.open();
        let txn = begin_uncancellable(connection.clone()).await?;
        Ok(Self::new(txn, None, open))
    }

    pub(super) fn new(txn: DatabaseTransaction, turn: Option<WriterTurn>, open: OpenWrite) -> Self {
        Self {
            txn: Some(txn),
            turn,
            open,
            scope: Scope::default(),
            _permit: None,
        }
    }

    /// Commits only as this scope allows.
    pub(super) fn within(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Holds the user's permit until the write is dropped.
    pub(super) fn with_permit(mut self, permit: Option<WritePermit>) -> Self {
        self._permit = permit;
        self
    }

    /// Waits for a turn and begins a write, on SQLite.
    pub async fn begin_in_turn(
        connection: &DatabaseConnection,
        queue: &WriteQueue,
        commits: &Arc<Commits>,
    ) -> Result<Self> {
        let turn = queue.acquire().await;
        let begun = uncancellable(turn.begin(connection.clone(), commits.open())).await;
        begun.map_err(Error::not_done)
    }

    /// Commits the write, and returns once it is durable. An error tells whether the outcome is unknown.
    pub async fn commit(mut self) -> Result<()> {
        if let Some(fence) = self.scope.fence.take() {
            let fenced = self.execute_raw(fence).await?;
            if fenced.rows_affected() == 0 {
                // Another run has taken over the idempotency key.
                self.rollback().await?;
                return Err(Error::busy());
            }
        }
        // The timeout response may be out already, saying that nothing was changed.
        if !self.scope.may_commit() {
            self.rollback().await?;
            return Err(Error::unavailable(Reason::Timeout));
        }
        let txn = self.txn.take().expect("a write ends once");
        let commits = self.open.commits.clone();
        // Counted as begun before the commit and as ended after it, so that readers of events know of commits in
        // progress.
        let _commit = commits.begin();
        let ended = match self.turn.take() {
            None => txn.commit().await.map_err(Error::of_commit),
            Some(turn) => match uncancellable(turn.commit(txn)).await {
                Ok(receiver) => await_commit(receiver).await,
                Err(error) => Err(error),
            },
        };
        match &ended {
            Ok(()) => commits.health.written(),
            Err(error) => commits.health.note(error),
        }
        ended
    }

    /// Rolls the write back. On SQLite, returns after the commit of its group: the write may have read uncommitted rows
    /// of the group, and its caller is about to report them.
    pub async fn rollback(mut self) -> Result<()> {
        let txn = self.txn.take().expect("a write ends once");
        match self.turn.take() {
            None => Ok(txn.rollback().await?),
            Some(turn) => match uncancellable(turn.roll_back(txn)).await? {
                Some(receiver) => await_commit(receiver).await.map_err(Error::not_done),
                None => Ok(()),
            },
        }
    }
}

impl Drop for WriteTxn {
    fn drop(&mut self) {
        // PostgreSQL needs no turn: dropping the transaction rolls back.
        let (Some(txn), Some(turn)) = (self.txn.take(), self.turn.take()) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(turn.roll_back(txn));
        }
    }
}

/// Begins a transaction in a task of its own, which cancellation of the caller does not stop.
///
/// The driver does not roll back a `BEGIN` that is cancelled halfway. The connection would return to the pool inside a
/// transaction that nobody commits, and swallow the statements of later requests.
async fn begin_uncancellable(connection: DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let begun = tokio::spawn(async move { connection.begin().await }).await;
    begun.unwrap_or(Err(DbErr::ConnectionAcquire(
        ConnAcquireErr::ConnectionClosed,
    )))
}

async fn await_commit(receiver: CommitReceiver) -> Result<()> {
    receiver.await.unwrap_or_else(|_| Err(aborted()))
}

/// Runs a step in a task of its own, which cancellation of the caller does not stop.
///
/// A savepoint that is cancelled halfway would be rolled back twice, by the driver and by SeaORM. The second rollback
/// would hit the transaction of the whole group.
async fn uncancellable<T: Send + 'static>(
    step: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<T> {
    let step = tokio::spawn(step).await;
    Ok(step.map_err(|_| aborted())??)
}

/// Error of a step whose task ended early: the runtime shut down, or the task panicked.
fn aborted() -> Error {
    Error::Unavailable(Unavailable::from(Reason::Stopping).unknown())
}

impl Deref for WriteTxn {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        self.txn.as_ref().expect("a write that has ended is gone")
    }
}

#[async_trait]
impl ConnectionTrait for WriteTxn {
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
