//! Connections outside of the pools, for background work that keeps its connection.

use std::{str::FromStr, time::Duration};

use sea_orm::{
    SqlxError,
    sqlx::{
        ConnectOptions, Executor, PgConnection, SqliteConnection,
        postgres::{PgConnectOptions, PgListener},
        sqlite::SqliteConnectOptions,
    },
};

use super::Database;

/// Longest time to open a connection to PostgreSQL.
const CONNECTING: Duration = Duration::from_secs(10);
/// Timeouts after which PostgreSQL releases the locks of a process that is frozen, or whose machine is gone. Set by
/// statements, because some poolers refuse settings in a connection's options
/// (<https://www.postgresql.org/docs/current/runtime-config-client.html>).
const BOUNDS: &str = "SET idle_in_transaction_session_timeout = '2s'; \
     SET statement_timeout = '10s'; \
     SET tcp_user_timeout = '10s'";

impl Database {
    /// Opens a connection to PostgreSQL for short transactions: ends a transaction idle for two seconds, and a
    /// statement after ten.
    pub async fn direct_postgres(&self) -> Result<PgConnection, SqlxError> {
        let options = PgConnectOptions::from_str(&self.url)?.disable_statement_logging();
        let connect = async {
            let mut connection = options.connect().await?;
            connection.execute(BOUNDS).await?;
            Ok(connection)
        };
        within(CONNECTING, connect).await
    }

    /// Opens a connection to PostgreSQL that receives notifications of a channel.
    pub async fn listener(&self, channel: &str) -> Result<PgListener, SqlxError> {
        let connect = async {
            let mut listener = PgListener::connect(&self.url).await?;
            listener.listen(channel).await?;
            Ok(listener)
        };
        within(CONNECTING, connect).await
    }

    /// Opens a connection to SQLite.
    pub async fn direct_sqlite(&self) -> Result<SqliteConnection, SqlxError> {
        SqliteConnectOptions::from_str(&self.url)?
            // A deleted database must be noticed, not created anew without tables.
            .create_if_missing(false)
            .disable_statement_logging()
            .connect()
            .await
    }
}

/// Bounds the time of a step. When the peer's machine is gone, TCP may report the loss only after a quarter of an
/// hour.
pub async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, SqlxError>>,
) -> Result<T, SqlxError> {
    let late = || SqlxError::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(time, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}
