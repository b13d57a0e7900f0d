//! Connections outside the pools, for work that keeps one for itself.

use std::str::FromStr;

use sea_orm::{
    SqlxError,
    sqlx::{
        ConnectOptions, PgConnection, SqliteConnection,
        postgres::{PgConnectOptions, PgListener},
        sqlite::SqliteConnectOptions,
    },
};

use super::Database;

impl Database {
    /// One of PostgreSQL.
    pub async fn direct_postgres(&self) -> Result<PgConnection, SqlxError> {
        PgConnectOptions::from_str(&self.url)?
            .disable_statement_logging()
            .connect()
            .await
    }

    /// One of PostgreSQL that hears what is notified on a channel.
    pub async fn listener(&self, channel: &str) -> Result<PgListener, SqlxError> {
        let mut listener = PgListener::connect(&self.url).await?;
        listener.listen(channel).await?;
        Ok(listener)
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
