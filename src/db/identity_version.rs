//! Version of users and tokens, raised by triggers in the transaction of each change.

use std::sync::Arc;

use sea_orm::{
    DbBackend, SqlxError,
    sqlx::{self, PgConnection, SqliteConnection},
};

use super::{Database, sqlite::Sqlite};

const READ: &str = "SELECT version FROM identity_version";

/// Reads the version through a connection of its own, so that no request's statement delays it.
pub struct IdentityVersion(Connection);

enum Connection {
    Sqlite(SqliteConnection, Arc<Sqlite>),
    Postgres(PgConnection),
}

impl IdentityVersion {
    /// Opens the connection.
    pub async fn open(db: &Database) -> Result<Self, SqlxError> {
        Ok(Self(match db.backend() {
            DbBackend::Sqlite => Connection::Sqlite(db.direct_sqlite().await?, db.sqlite.clone()),
            _ => Connection::Postgres(db.direct_postgres().await?),
        }))
    }

    /// Reads the version. Equal versions before and after a read mean that no user and no token has changed between.
    pub async fn read(&mut self) -> Result<i64, SqlxError> {
        match &mut self.0 {
            Connection::Sqlite(connection, sqlite) => {
                // The connection would go on reading a file that was deleted or replaced.
                if !sqlite.files.is_main_unchanged() {
                    return Err(SqlxError::Io(std::io::ErrorKind::NotFound.into()));
                }
                sqlx::query_scalar(READ).fetch_one(connection).await
            }
            Connection::Postgres(connection) => {
                sqlx::query_scalar(READ).fetch_one(connection).await
            }
        }
    }
}
