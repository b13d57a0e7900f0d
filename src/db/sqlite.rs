//! SQLite: opening of the file, and reopening once writable.
//!
//! A file whose write-ahead log can't be created, because the disk is full or read-only, is opened as
//! [immutable](https://www.sqlite.org/uri.html#uriimmutable), so that reads are served. Read-only connections never
//! become writable, so once the file is writable all connections are closed and opened anew.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use sea_orm::{
    Database as Connector, DatabaseConnection, DbBackend, DbErr, SqlxError,
    sqlx::{
        self, ConnectOptions, Connection, SqliteConnection, SqlitePool,
        pool::PoolConnection,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};
use tokio::sync::Mutex;

use super::{
    Database, Health, Options, checkpoint::Checkpoints, files::Files, quiet, shares::Shares, within,
};
use crate::error::{Unavailable, unavailable};

/// Maximum number of reading connections.
const MAX_READERS: u32 = 8;
/// Page cache of each reading connection, in KiB with the sign of SQLite's `cache_size`. Readers drop the cache after
/// each commit of the writer, so a larger cache seldom fills.
const READER_CACHE: &str = "-8192";
/// Page cache of the writer.
const WRITER_CACHE: &str = "-16384";
/// Longest wait for the write lock, which another process may hold.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for running requests to return their connections.
const HOLDING: Duration = Duration::from_secs(2);

/// State of an open SQLite database, besides the pools.
#[derive(Default)]
pub struct Sqlite {
    /// Opened files. Writes are refused once the files differ; an empty list disables the comparison.
    pub files: Files,
    /// Connection that no request uses, never closed first: the last connection to close would remove the write-ahead
    /// log. Copies the log into the database.
    pub keeper: Mutex<Option<SqliteConnection>>,
    pub checkpoints: Checkpoints,
    /// Reason for opening the file as immutable; `None` after opening it for writing.
    immutable: std::sync::Mutex<Option<Unavailable>>,
    /// Options of the writer and the readers once the file is writable.
    writable: OnceLock<[SqliteConnectOptions; 2]>,
}

impl Database {
    pub(super) async fn connect_sqlite(url: String, options: &Options) -> anyhow::Result<Self> {
        let health = Arc::new(Health::new(DbBackend::Sqlite));
        let opened = pools(&url, options, false).await;
        let (writer, readers, failure) = match opened {
            Ok((writer, readers)) => (writer, readers, None),
            Err(error) => {
                // Serves reads when possible; otherwise startup fails with the original error.
                let failure = readable_failure(&url, &error).ok_or(error)?;
                health.begin(&failure);
                let (writer, readers) = pools(&url, options, true).await?;
                (writer, readers, Some(failure))
            }
        };
        let is_immutable = failure.is_some();
        let shares = Shares::sqlite(connections(options));
        let db = Self::of(url, readers, writer, health, shares);
        let [writer, readers] = db.sqlite_pools();
        // From here on a missing file is an error: a deleted database must not be created anew without tables.
        let existing = |pool: &SqlitePool| {
            let options = (*pool.connect_options()).clone();
            options.create_if_missing(false)
        };
        for pool in [writer, readers] {
            pool.set_connect_options(existing(pool));
        }
        let writable = |pool| existing(pool).read_only(false).immutable(false);
        let _ = db
            .sqlite
            .writable
            .set([writable(writer), writable(readers)]);
        *db.sqlite.immutable() = failure;
        if !is_immutable {
            db.keep_sqlite().await?;
        }
        Ok(db)
    }

    /// Reason why writes are refused; `None` unless the file was opened as immutable.
    pub(super) fn refuses_writes(&self) -> Option<Unavailable> {
        self.sqlite.immutable().clone()
    }

    /// Reopens all connections once the file is writable. Requests wait meanwhile.
    pub(super) async fn renew_sqlite(&self) -> Result<(), DbErr> {
        let [writer, readers] = self.sqlite_pools();
        let options = &self.sqlite.writable.get().expect("set when it was opened")[0];
        let name = options.get_filename();
        if std::fs::File::options().append(true).open(name).is_err() {
            return Ok(());
        }
        if self.refuses_writes().is_some() {
            // Fails while the write-ahead log can't be created.
            let mut probe = options.clone().connect().await.map_err(to_db_err)?;
            let read = sqlx::query(TOUCH).execute(&mut probe).await;
            read.map_err(to_db_err)?;
            let _ = probe.close().await;
        }
        // Takes all connections first: no request may use an old connection beside new ones.
        let held = async {
            let mut held = all(writer).await?;
            held.extend(all(readers).await?);
            Ok(held)
        };
        let held = within(HOLDING, held).await.map_err(to_db_err)?;
        // The files may differ after the reopening, so the comparison pauses.
        self.sqlite.files.forget();
        self.sqlite.close().await;
        let writable = self.sqlite.writable.get().expect("set when it was opened");
        for (pool, options) in [writer, readers].into_iter().zip(writable) {
            pool.set_connect_options(options.clone());
        }
        futures_util::future::join_all(held.into_iter().map(PoolConnection::close)).await;
        *self.sqlite.immutable() = None;
        self.keep_sqlite().await.map_err(to_db_err)
    }

    /// Opens the idle connection and records the files.
    async fn keep_sqlite(&self) -> Result<(), SqlxError> {
        let mut keeper = self.direct_sqlite().await?;
        sqlx::query(TOUCH).execute(&mut keeper).await?;
        let [writer, _] = self.sqlite_pools();
        self.sqlite
            .files
            .note(writer.connect_options().get_filename())?;
        *self.sqlite.keeper.lock().await = Some(keeper);
        Ok(())
    }

    fn sqlite_pools(&self) -> [&SqlitePool; 2] {
        let readers = &self.reader.connections;
        [&self.writer, readers].map(DatabaseConnection::get_sqlite_connection_pool)
    }
}

/// Statement that opens the file and its write-ahead log.
const TOUCH: &str = "SELECT count(*) FROM sqlite_schema";

impl Sqlite {
    /// Closes the connection that holds the files open. An error is logged only: no write depends on the connection.
    pub async fn close(&self) {
        let keeper = self.keeper.lock().await.take();
        if let Some(keeper) = keeper
            && let Err(error) = keeper.close().await
        {
            tracing::debug!(%error, "can't close a connection");
        }
    }

    fn immutable(&self) -> std::sync::MutexGuard<'_, Option<Unavailable>> {
        let immutable = self.immutable.lock();
        immutable.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Takes all connections of a pool at once, including connections that the pool must open first.
async fn all(pool: &SqlitePool) -> Result<Vec<PoolConnection<sqlx::Sqlite>>, SqlxError> {
    let most = pool.options().get_max_connections();
    let held = (0..most).map(|_| pool.acquire());
    futures_util::future::try_join_all(held).await
}

fn to_db_err(error: SqlxError) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)))
}

/// Failure to open a file for writing, when reads are possible: the file has content and no pending log.
fn readable_failure(url: &str, error: &anyhow::Error) -> Option<Unavailable> {
    let error = error.downcast_ref::<DbErr>()?;
    let reason = unavailable::reason(error)?;
    let path = url.strip_prefix("sqlite://")?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let log = PathBuf::from(format!("{path}-wal"));
    // Immutable connections ignore the log, so a log with content would hide committed rows.
    let is_whole = log.metadata().map_or(true, |log| log.len() == 0);
    let has_content = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    // Asks the file system: SQLite's code may describe the failure of the log, and not the cause.
    let reason = match std::fs::File::options().append(true).open(path) {
        Ok(_) => reason,
        Err(error) => unavailable::file_reason(&error).unwrap_or(reason),
    };
    (is_whole && has_content).then(|| Unavailable::from(reason).because(error.clone()))
}

/// Number of reading connections.
fn connections(options: &Options) -> u32 {
    options.pool.clamp(1, MAX_READERS)
}

/// Opens the writer and the readers.
async fn pools(
    url: &str,
    options: &Options,
    is_immutable: bool,
) -> anyhow::Result<(DatabaseConnection, DatabaseConnection)> {
    // Writer first: creates the file and switches the journal to WAL (https://www.sqlite.org/wal.html).
    let writer = pool(url, 1, options.durable, false, is_immutable).await?;
    let readers = pool(
        url,
        connections(options),
        options.durable,
        true,
        is_immutable,
    )
    .await?;
    Ok((writer, readers))
}

async fn pool(
    url: &str,
    connections: u32,
    durable: bool,
    query_only: bool,
    is_immutable: bool,
) -> anyhow::Result<DatabaseConnection> {
    let cache = if query_only {
        READER_CACHE
    } else {
        WRITER_CACHE
    };
    let options = quiet(url)
        .max_connections(connections)
        .map_sqlx_sqlite_opts(move |options| {
            let options = match is_immutable {
                true => options
                    .create_if_missing(false)
                    .read_only(true)
                    .immutable(true),
                false => options,
            };
            options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(if durable {
                    SqliteSynchronous::Full
                } else {
                    // In WAL mode `NORMAL` can lose commits in a power cut but never corrupts
                    // (https://www.sqlite.org/pragma.html#pragma_synchronous).
                    SqliteSynchronous::Normal
                })
                .busy_timeout(BUSY_TIMEOUT)
                .pragma("cache_size", cache)
                // Off: SQLite can't handle a failure to read mapped memory, such as a truncated file, which ends the
                // process by a signal (https://www.sqlite.org/mmap.html). Each connection would also map the file
                // anew after each commit.
                .pragma("mmap_size", "0")
                .pragma("temp_store", "memory")
                // Checkpoints run apart from the writer.
                .pragma("wal_autocheckpoint", "0")
                // Guards against writes through readers, which would bypass the queue.
                .pragma("query_only", if query_only { "1" } else { "0" })
        })
        .map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(is_idle(connection)))
        })
        .to_owned();
    Connector::connect(options)
        .await
        .with_context(|| format!("can't open the SQLite database {url}"))
}

/// Checks whether a returned connection is outside of a transaction; others are closed. SQLite and the driver may
/// disagree after a failure such as a full disk: SQLite has rolled back by itself.
async fn is_idle(connection: &mut SqliteConnection) -> Result<bool, SqlxError> {
    // Waits for the connection's thread only inside a transaction: a rollback may be queued, which a dropped
    // transaction does not wait for. The pool pings the connection once more.
    if connection.is_in_transaction() {
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sea_orm::{ConnectionTrait, Statement};

    use super::*;

    #[tokio::test]
    async fn a_connection_outside_of_a_transaction_returns_without_a_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("test.db"));
        let options = options.create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        assert!(is_idle(&mut connection).now_or_never().unwrap().unwrap());
        // A dropped transaction only queues its rollback.
        drop(connection.begin().await.unwrap());
        assert!(is_idle(&mut connection).await.unwrap());
        // Neither committed nor rolled back.
        std::mem::forget(connection.begin().await.unwrap());
        assert!(!is_idle(&mut connection).await.unwrap());
    }

    #[tokio::test]
    async fn a_truncated_file_is_an_error_and_not_a_signal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let url = format!("sqlite:{}", path.display());
        let db = Database::connect(&Options::new(url)).await.unwrap();
        let fill = "CREATE TABLE text (text); \
            WITH RECURSIVE row (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM row WHERE number < 5000) \
            INSERT INTO text SELECT hex(randomblob(500)) FROM row; \
            PRAGMA wal_checkpoint(TRUNCATE)";
        db.writer.execute_unprepared(fill).await.unwrap();
        let read = |sql: &'static str| {
            let read = Statement::from_string(DbBackend::Sqlite, sql);
            db.reader().query_one_raw(read)
        };
        read("SELECT text FROM text LIMIT 1").await.unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(3 * 4096).unwrap();
        let error = read("SELECT sum(length(text)) FROM text")
            .await
            .unwrap_err();
        let reason = unavailable::reason(&error);
        assert!(reason.is_some(), "{error}");
    }
}
