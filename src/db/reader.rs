//! Reads outside of transactions, fair between users. Repeats reads whose connection was lost since the last use.

use std::sync::Arc;

use sea_orm::{
    AccessMode, ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult, RuntimeErr, SqlxError, Statement,
    TransactionTrait, entity::prelude::async_trait::async_trait,
};

use super::{
    health::Health,
    shares::{Shares, User, completed},
    sqlite::Sqlite,
};
use crate::{
    error::{
        Error, Reason,
        unavailable::{FileMissing, is_lost_connection, reason},
    },
    fair::Permit,
};

/// Reading connections. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub(super) connections: DatabaseConnection,
    pub(super) health: Arc<Health>,
    pub(super) sqlite: Arc<Sqlite>,
    pub(super) shares: Shares,
    /// User whose permits the statements take.
    pub(super) user: Option<Arc<User>>,
    /// True when each statement takes a permit for counts.
    pub(super) counts: bool,
}

impl Reader {
    /// Begins a read-only transaction that sees the database as of its first statement.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        // SQLite's transactions always read a snapshot (https://www.sqlite.org/isolation.html).
        let isolation = match self.get_database_backend() {
            DbBackend::Postgres => (
                Some(IsolationLevel::RepeatableRead),
                Some(AccessMode::ReadOnly),
            ),
            _ => (None, None),
        };
        let begin = || self.connections.begin_with_config(isolation.0, isolation.1);
        self.repeated(begin).await
    }

    /// Runs a read. A lost connection shows at its next use, so the read runs once more, on a connection opened
    /// since.
    async fn repeated<T, F>(&self, read: impl Fn() -> F) -> Result<T, DbErr>
    where
        F: Future<Output = Result<T, DbErr>>,
    {
        if !self.sqlite.files.is_main_unchanged() {
            return Err(self.noted(file_missing()));
        }
        let ended = match read().await {
            Err(error) if self.may_repeat(&error) => {
                self.health.distrust();
                read().await
            }
            other => other,
        };
        ended.map_err(|error| self.noted(self.explained(error)))
    }

    async fn permits(&self) -> [Option<Permit>; 2] {
        self.shares.read(self.user.as_ref(), self.counts).await
    }

    // Safe because reads change nothing. SQLite has no connection to lose.
    fn may_repeat(&self, error: &DbErr) -> bool {
        self.get_database_backend() == DbBackend::Postgres && is_lost_connection(error)
    }

    /// Distinguishes a pool whose connections are all in use from a pool that can't open any.
    pub(super) fn explained(&self, error: DbErr) -> DbErr {
        let is_late = matches!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        if !is_late || self.get_database_backend() != DbBackend::Postgres {
            return error;
        }
        let pool = self.connections.get_postgres_connection_pool();
        let is_known = self.health.condition() == Some(Reason::Unreachable);
        if is_known || pool.size() < pool.options().get_max_connections() {
            return DbErr::Conn(RuntimeErr::SqlxError(Arc::new(SqlxError::PoolTimedOut)));
        }
        error
    }

    fn noted(&self, error: DbErr) -> DbErr {
        if reason(&error).is_some() {
            self.health.note(&Error::from(error.clone()));
        }
        error
    }
}

/// Error for files that differ from the opened files.
pub(super) fn file_missing() -> DbErr {
    let gone = std::io::Error::new(std::io::ErrorKind::NotFound, FileMissing);
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(SqlxError::Io(gone))))
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let (permits, reader) = (self.permits().await, self.clone());
        // As a future of its own: a cancelled statement still occupies the connection, so the permits must outlive
        // the caller.
        completed(async move {
            let _permits = permits;
            reader.connections.execute_raw(statement).await
        })
        .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (permits, reader) = (self.permits().await, self.clone());
        let sql = sql.to_owned();
        completed(async move {
            let _permits = permits;
            reader.connections.execute_unprepared(&sql).await
        })
        .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let (permits, reader) = (self.permits().await, self.clone());
        completed(async move {
            let _permits = permits;
            let read = || reader.connections.query_one_raw(statement.clone());
            reader.repeated(read).await
        })
        .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (permits, reader) = (self.permits().await, self.clone());
        completed(async move {
            let _permits = permits;
            let read = || reader.connections.query_all_raw(statement.clone());
            reader.repeated(read).await
        })
        .await
    }
}
