//! The database: one writer and a pool of readers on SQLite, one pool on PostgreSQL.

mod direct;
mod opening;
mod write;

use std::{str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use sea_orm::{
    ConnectOptions, Database as Connector, DatabaseConnection, DbBackend, DbErr, SqlxError,
    Statement,
    sqlx::{
        Connection, SqliteConnection,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use self::write::Queue;
pub use self::{
    direct::within,
    write::{Commits, Write, marked},
};

/// How long PostgreSQL has to accept a connection.
const CONNECTING: Duration = Duration::from_secs(10);

/// Open connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    queue: Queue,
    commits: Arc<Commits>,
    url: Arc<str>,
}

/// How to connect; see the command line for what each setting means.
#[derive(Clone, Debug)]
pub struct Options {
    pub url: String,
    /// Connections that read, on PostgreSQL those that write too.
    pub pool: u32,
    /// On SQLite: wait for the disk at every commit.
    pub durable: bool,
}

impl Options {
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool: 16,
            durable: true,
        }
    }
}

impl Database {
    /// Opens the database; a SQLite file that does not exist is made.
    pub async fn connect(options: &Options) -> anyhow::Result<Self> {
        let url = normalized(&options.url)?;
        if url.starts_with("sqlite:") {
            let durable = options.durable;
            opening::sqlite(&url)?;
            // The writer comes first: it makes the file and switches it to WAL.
            let writer = sqlite(&url, 1, durable, false).await?;
            let readers = sqlite(&url, options.pool.clamp(1, 8), durable, true).await?;
            return Ok(Self {
                readers,
                writer,
                queue: Queue::default(),
                commits: Arc::default(),
                url: url.into(),
            });
        }
        opening::postgres(&url, CONNECTING).await?;
        let pool = Connector::connect(quiet(&url).max_connections(options.pool.max(2)).to_owned())
            .await
            .context("can't connect to PostgreSQL")?;
        Ok(Self {
            readers: pool.clone(),
            writer: pool,
            queue: Queue::default(),
            commits: Arc::default(),
            url: url.into(),
        })
    }

    /// For reads outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// For single statements that write, and for migrations.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Begins a write.
    pub async fn begin(&self) -> Result<Write, DbErr> {
        match self.backend() {
            DbBackend::Sqlite => Write::in_turn(&self.writer, &self.queue, &self.commits).await,
            _ => Write::alone(&self.writer, &self.commits).await,
        }
    }

    /// The commits of this process.
    pub fn commits(&self) -> &Commits {
        &self.commits
    }

    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Calls `observe` with every statement, for tests that count or explain them.
    pub fn observe(&mut self, observe: impl Fn(&Statement) + Send + Sync + Clone + 'static) {
        let reads = observe.clone();
        self.readers
            .set_metric_callback(move |info| reads(info.statement));
        self.writer
            .set_metric_callback(move |info| observe(info.statement));
    }

    pub async fn close(self) -> Result<(), DbErr> {
        self.readers.close().await?;
        self.writer.close().await
    }
}

/// Accepts `sqlite:FILE`, `sqlite://FILE` and `postgres://…`; anything else is refused with a hint.
fn normalized(url: &str) -> anyhow::Result<String> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains(":memory:") || path.contains("mode=memory") {
            bail!("an in-memory SQLite database can't be shared between connections: name a file");
        }
        let mode = match path.split_once('?') {
            None => "?mode=rwc",
            Some(_) => "",
        };
        return Ok(format!("sqlite://{path}{mode}"));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(url.to_owned());
    }
    bail!("a database URL starts with sqlite: or postgres://")
}

async fn sqlite(
    url: &str,
    connections: u32,
    durable: bool,
    query_only: bool,
) -> anyhow::Result<DatabaseConnection> {
    let options = quiet(url)
        .max_connections(connections)
        .map_sqlx_sqlite_opts(move |options| {
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
            pool.after_release(|connection, _| Box::pin(is_settled(connection)))
        })
        .to_owned();
    Connector::connect(options)
        .await
        .with_context(|| format!("can't open the SQLite database {url}"))
}

/// Whether a connection that comes back has no transaction open. One of which SQLite and the driver think
/// differently (after a disk that was full, say) is closed.
async fn is_settled(connection: &mut SqliteConnection) -> Result<bool, SqlxError> {
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

fn quiet(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(30))
        .connect_timeout(CONNECTING);
    options
}

/// An instant as it is stored: to the microsecond, on both databases.
pub fn microseconds(at: chrono::DateTime<chrono::Utc>) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_micros(at.timestamp_micros())
        .expect("an instant in range stays in range")
}

/// Now, as it is stored.
pub fn now() -> chrono::DateTime<chrono::Utc> {
    microseconds(chrono::Utc::now())
}

/// An instant as people and programs read it: UTC with `Z`, microseconds, no fraction when it is zero.
pub fn print_instant(at: chrono::DateTime<chrono::Utc>) -> String {
    let format = match at.timestamp_subsec_micros() {
        0 => chrono::SecondsFormat::Secs,
        _ => chrono::SecondsFormat::Micros,
    };
    at.to_rfc3339_opts(format, true)
}

/// An instant from outside: RFC 3339 with any offset, in years that every database and client can hold.
pub fn parse_instant(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    use chrono::Datelike;
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (1..=9999).contains(&at.year()).then(|| microseconds(at))
}

/// An id from outside: positive, 64 bits, decimal digits only.
pub fn parse_id(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    i64::from_str(text).ok().filter(|_| plain)
}

/// A reference from outside as an id to look up; text that is no id becomes 0, which nothing has.
pub fn reference(text: &str) -> i64 {
    parse_id(text).unwrap_or(0)
}
