//! Database: a writer and a pool of readers on SQLite, a single pool on PostgreSQL.

pub mod advisory;
mod checkpoint;
mod commits;
mod direct;
mod fate;
mod files;
mod group_commit;
mod health;
mod identity_version;
mod ids;
mod preflight;
mod probe;
mod reader;
mod scope;
mod shared_write;
mod shares;
mod sqlite;
mod write;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use sea_orm::{
    ConnectOptions, Database as Connector, DatabaseConnection, DbBackend, DbErr, Statement,
};

pub use self::{
    commits::Commits, direct::within, fate::Fate, health::Health,
    identity_version::IdentityVersion, ids::is_any, reader::Reader, shared_write::SHARED_WRITES,
    write::WriteTxn,
};
use self::{group_commit::WriteQueue, scope::Scope, shares::Shares, sqlite::Sqlite};
use crate::error::{Error, Result, unavailable::is_lost_connection};

/// Longest wait of a request for a connection to PostgreSQL: for a free connection, or for a server that restarts.
const ACQUIRING: Duration = Duration::from_secs(20);

/// Longest wait until PostgreSQL accepts a connection.
const CONNECTING: Duration = Duration::from_secs(10);

/// Open connections to a database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    reader: Reader,
    counter: Reader,
    writer: DatabaseConnection,
    /// Connections for [`begin_shared`](Self::begin_shared) on PostgreSQL; on SQLite the writer.
    shared_writer: Option<DatabaseConnection>,
    /// Handed to each write.
    scope: Scope,
    queue: WriteQueue,
    commits: Arc<Commits>,
    url: Arc<str>,
    /// Held by the running probe.
    probing: Arc<tokio::sync::Mutex<()>>,
    /// Empty on PostgreSQL.
    sqlite: Arc<Sqlite>,
}

/// Settings of the connections; docs/settings.md describes each.
#[derive(Clone, Debug)]
pub struct Options {
    pub url: String,
    /// Number of reading connections; on PostgreSQL of all connections.
    pub pool: u32,
    /// SQLite: wait for the disk at every commit.
    pub durable: bool,
}

impl Options {
    /// Options of a database at this URL: 16 connections, durable writes.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool: 16,
            durable: true,
        }
    }
}

impl Database {
    /// Opens the database. Creates a missing SQLite file.
    pub async fn connect(options: &Options) -> anyhow::Result<Self> {
        let url = normalized(&options.url)?;
        if url.starts_with("sqlite:") {
            preflight::sqlite(&url)?;
            return Self::connect_sqlite(url, options).await;
        }
        preflight::postgres(&url, CONNECTING).await?;
        let health = Arc::new(Health::new(DbBackend::Postgres));
        let trust = health.clone();
        // At least two: shares reserve a connection for authentication.
        let connections = options.pool.max(2);
        let mut pool = quiet(&url);
        pool.max_connections(connections)
            .acquire_timeout(ACQUIRING)
            .map_sqlx_postgres_before_acquire(move |_, connection| {
                // Replaces connections older than the last loss: a restarted server has closed them, and the pool
                // can't know.
                let is_trusted = trust.trusts(connection.age);
                Box::pin(async move { Ok(is_trusted) })
            });
        let pool = Connector::connect(pool)
            .await
            .context("can't connect to PostgreSQL")?;
        let shared_writer = shared_write::pool(&url, health.clone()).await?;
        let shares = Shares::postgres(connections);
        Ok(Self {
            shared_writer: Some(shared_writer),
            ..Self::of(url, pool.clone(), pool, health, shares)
        })
    }

    fn of(
        url: String,
        // Readers and writer of PostgreSQL are the same pool; SQLite's writer is a pool of its own with a single
        // connection.
        readers: DatabaseConnection,
        writer: DatabaseConnection,
        health: Arc<Health>,
        shares: Shares,
    ) -> Self {
        let commits = Arc::new(Commits::new(health.clone()));
        let sqlite = Arc::new(Sqlite::default());
        let queue = WriteQueue::new(sqlite.clone());
        let reader = Reader {
            connections: readers,
            health,
            sqlite: sqlite.clone(),
            shares,
            counts: false,
            user: None,
        };
        Self {
            counter: Reader {
                counts: true,
                ..reader.clone()
            },
            reader,
            writer,
            shared_writer: None,
            scope: Scope::default(),
            queue,
            commits,
            url: url.into(),
            probing: Arc::default(),
            sqlite,
        }
    }

    /// Runs reads outside a transaction, fair between users: see [`on_behalf_of`](Self::on_behalf_of).
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Runs counts, which may scan a whole table. Shares the connections of [`reader`](Self::reader) but uses only a
    /// few at once, so that short reads find a free connection.
    pub fn counter(&self) -> &Reader {
        &self.counter
    }

    /// Connections for migrations. Their statements check neither the file of SQLite nor a lost connection, and count under
    /// no `Idempotency-Key`: writes of requests and commands go through [`begin`](Self::begin).
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Begins a write transaction.
    pub async fn begin(&self) -> Result<WriteTxn> {
        if let Some(failure) = self.refuses_writes() {
            return Err(Error::Unavailable(failure));
        }
        let begun = match self.backend() {
            DbBackend::Sqlite => {
                WriteTxn::begin_in_turn(&self.writer, &self.queue, &self.commits).await
            }
            _ => self.begin_postgres().await,
        };
        let begun = begun.map(|txn| txn.within(self.scope.clone()));
        begun.inspect_err(|error| self.health().note(error))
    }

    /// Begins a write on PostgreSQL.
    async fn begin_postgres(&self) -> Result<WriteTxn> {
        // The permit before the connection, so that waiting for a share occupies no connection.
        let permit = self.reader.shares.write(self.reader.user.as_ref()).await;
        Ok(self.begin_on(&self.writer).await?.with_permit(permit))
    }

    /// Begins a write on a connection of a pool. A connection lost since the last use has begun nothing, so a new
    /// connection is tried.
    async fn begin_on(&self, connections: &DatabaseConnection) -> Result<WriteTxn> {
        let begun = match WriteTxn::begin(connections, &self.commits).await {
            Err(error) if is_lost_connection(&error) => {
                self.health().distrust();
                WriteTxn::begin(connections, &self.commits).await
            }
            other => other,
        };
        Ok(begun.map_err(|error| self.reader.explained(error))?)
    }

    /// Known conditions that impede the database.
    pub fn health(&self) -> &Health {
        &self.reader.health
    }

    /// Commits of this process.
    pub fn commits(&self) -> &Commits {
        &self.commits
    }

    /// Kind of the database: SQLite or PostgreSQL.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Calls `observe` with every statement, for tests that count or explain statements.
    pub fn observe(&mut self, observe: impl Fn(&Statement) + Send + Sync + Clone + 'static) {
        for reader in [&mut self.reader, &mut self.counter] {
            let reads = observe.clone();
            let pool = &mut reader.connections;
            pool.set_metric_callback(move |info| reads(info.statement));
        }
        if let Some(shared_writer) = &mut self.shared_writer {
            let writes = observe.clone();
            shared_writer.set_metric_callback(move |info| writes(info.statement));
        }
        self.writer
            .set_metric_callback(move |info| observe(info.statement));
    }

    /// Closes all connections. Fails when SQLite can't write the log of changes back into the database's file.
    pub async fn close(self) -> Result<(), DbErr> {
        self.health().closed();
        // Writer last: the last connection to close checkpoints and removes the write-ahead log
        // (https://www.sqlite.org/wal.html).
        if let Some(shared_writer) = self.shared_writer {
            shared_writer.close().await?;
        }
        self.reader.connections.close().await?;
        self.sqlite.close().await;
        self.writer.close().await
    }
}

/// Accepts `sqlite:FILE`, `sqlite://FILE` and `postgres://…`. Refuses other URLs with a hint.
fn normalized(url: &str) -> anyhow::Result<String> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains(":memory:") || path.contains("mode=memory") {
            bail!("an in-memory SQLite database can't be shared between connections: name a file");
        }
        // `rwc` creates a missing file. A URL with parameters of its own is left as written.
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

fn quiet(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        // Statements may contain personal data, so neither logs nor spans record them.
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(30))
        .connect_timeout(CONNECTING);
    options
}
