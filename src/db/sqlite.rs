//! SQLite: how its file is opened, and opened again once it can be written.
//!
//! A file whose write-ahead log can't be made, because its disk is full or read-only, is opened as one that nobody
//! changes ("immutable"), so that reads are served. Nothing that is open read-only becomes writable by itself, so
//! once the file can be written all connections are closed and made anew.

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

use super::{Database, Health, Options, files::Files, quiet, shares::Shares, within};
use crate::error::{Unavailable, unavailable};

/// Maximum number of connections that read.
const MAX_READERS: u32 = 8;
/// How long requests under way have to give their connections back.
const HOLDING: Duration = Duration::from_secs(2);

/// The state of an open SQLite database besides its pools.
#[derive(Default)]
pub struct Sqlite {
    /// Written to only while they are the ones that were opened. Without any, nothing is compared.
    pub files: Files,
    /// A connection that is not used, so that no other one is the last and removes the write-ahead log.
    keeper: Mutex<Option<SqliteConnection>>,
    /// Why the file was opened as one that nobody changes; `None` once it was opened anew.
    immutable: std::sync::Mutex<Option<Unavailable>>,
    /// How its connections are made once it can be written.
    writable: OnceLock<[SqliteConnectOptions; 2]>,
}

impl Database {
    pub(super) async fn connect_sqlite(url: String, options: &Options) -> anyhow::Result<Self> {
        let health = Arc::new(Health::new(DbBackend::Sqlite));
        let opened = pools(&url, options, false).await;
        let (writer, readers, failure) = match opened {
            Ok((writer, readers)) => (writer, readers, None),
            Err(error) => {
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
        // A file that is deleted from now on is missed, not made anew.
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

    /// Why a database that was opened as one that nobody changes takes no writes.
    pub(super) fn refuses_writes(&self) -> Option<Unavailable> {
        self.sqlite.immutable().clone()
    }

    /// Makes all connections anew, once the file can be written. Requests wait meanwhile.
    pub(super) async fn renew_sqlite(&self) -> Result<(), DbErr> {
        let [writer, readers] = self.sqlite_pools();
        let options = &self.sqlite.writable.get().expect("set when it was opened")[0];
        let name = options.get_filename();
        if std::fs::File::options().append(true).open(name).is_err() {
            return Ok(());
        }
        if self.refuses_writes().is_some() {
            // Fails as long as the write-ahead log can't be made.
            let mut probe = options.clone().connect().await.map_err(to_db_err)?;
            let read = sqlx::query(TOUCH).execute(&mut probe).await;
            read.map_err(to_db_err)?;
            let _ = probe.close().await;
        }
        let held = async {
            let mut held = all(writer).await?;
            held.extend(all(readers).await?);
            Ok(held)
        };
        let held = within(HOLDING, held).await.map_err(to_db_err)?;
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

    /// Opens the connection that keeps the files, and takes note of these.
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

/// Opens the file and its write-ahead log.
const TOUCH: &str = "SELECT count(*) FROM sqlite_schema";

impl Sqlite {
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

/// All connections of a pool at once, those included that it has yet to make.
async fn all(pool: &SqlitePool) -> Result<Vec<PoolConnection<sqlx::Sqlite>>, SqlxError> {
    let most = pool.options().get_max_connections();
    let held = (0..most).map(|_| pool.acquire());
    futures_util::future::try_join_all(held).await
}

fn to_db_err(error: SqlxError) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error)))
}

/// Why a file can't be opened as usual, where it can be read nevertheless: it is there, and everything is in it.
fn readable_failure(url: &str, error: &anyhow::Error) -> Option<Unavailable> {
    let error = error.downcast_ref::<DbErr>()?;
    let reason = unavailable::reason(error)?;
    let path = url.strip_prefix("sqlite://")?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let log = PathBuf::from(format!("{path}-wal"));
    let is_whole = log.metadata().map_or(true, |log| log.len() == 0);
    let has_content = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    // Asks the file system: SQLite's own code may tell of the log and not of the cause.
    let reason = match std::fs::File::options().append(true).open(path) {
        Ok(_) => reason,
        Err(error) => unavailable::file_reason(&error).unwrap_or(reason),
    };
    (is_whole && has_content).then(|| Unavailable::from(reason).because(error.clone()))
}

/// Number of connections that read.
fn connections(options: &Options) -> u32 {
    options.pool.clamp(1, MAX_READERS)
}

/// The connection that writes, and those that read.
async fn pools(
    url: &str,
    options: &Options,
    is_immutable: bool,
) -> anyhow::Result<(DatabaseConnection, DatabaseConnection)> {
    // The writer comes first: it makes the file and switches it to WAL.
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
                    SqliteSynchronous::Normal
                })
                .busy_timeout(Duration::from_secs(30))
                .pragma("cache_size", "-16384")
                .pragma("mmap_size", "268435456")
                .pragma("temp_store", "memory")
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

/// Whether a connection that comes back has no transaction open. A connection of which SQLite and the driver think
/// differently (after a disk that was full, say) is closed.
async fn is_idle(connection: &mut SqliteConnection) -> Result<bool, SqlxError> {
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}
