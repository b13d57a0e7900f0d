//! Connections outside the pools, for work that keeps one for itself.

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

/// How long a connection to PostgreSQL may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);
/// By these PostgreSQL takes back the locks of a process that is frozen, or whose machine is gone. They are
/// set by statements, for not every pooler lets them pass as options of a connection.
const BOUNDS: &str = "SET idle_in_transaction_session_timeout = '2s'; \
     SET statement_timeout = '10s'; \
     SET tcp_user_timeout = '10s'";

impl Database {
    /// One of PostgreSQL, for short transactions: one that does nothing for two seconds is ended, and so is a
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

    /// One of PostgreSQL that hears what is notified on a channel.
    pub async fn listener(&self, channel: &str) -> Result<PgListener, SqlxError> {
        let connect = async {
            let mut listener = PgListener::connect(&self.url).await?;
            listener.listen(channel).await?;
            Ok(listener)
        };
        within(CONNECTING, connect).await
    }

    /// One of SQLite.
    pub async fn direct_sqlite(&self) -> Result<SqliteConnection, SqlxError> {
        SqliteConnectOptions::from_str(&self.url)?
            .create_if_missing(false)
            .disable_statement_logging()
            .connect()
            .await
    }
}

/// Gives up what takes longer: nobody answers, and the system may not tell for a quarter of an hour.
pub async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, SqlxError>>,
) -> Result<T, SqlxError> {
    let late = || SqlxError::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(time, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}
