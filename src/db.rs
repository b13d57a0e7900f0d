//! The database: one writer and a pool of readers on SQLite, one pool on PostgreSQL.

pub mod advisory;
mod commits;
mod direct;
mod fate;
mod files;
mod group_commit;
mod health;
mod preflight;
mod probe;
mod reader;
mod shares;
mod sqlite;
mod write;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use sea_orm::{
    ConnectOptions, Database as Connector, DatabaseConnection, DbBackend, DbErr, Statement,
};

pub use self::{
    commits::Commits,
    direct::within,
    fate::Fate,
    health::Health,
    reader::Reader,
    shares::{on_behalf_of, stream_on_behalf_of},
    write::{WriteTxn, fenced},
};
use self::{group_commit::WriteQueue, shares::Shares, sqlite::Sqlite};
use crate::error::{Error, Result, unavailable::is_lost_connection};

/// How long a request waits for a connection to PostgreSQL: for one that is free, or for a server that is being
/// restarted.
const ACQUIRING: Duration = Duration::from_secs(20);

/// How long PostgreSQL has to accept a connection.
const CONNECTING: Duration = Duration::from_secs(10);

/// Open connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    reader: Reader,
    counter: Reader,
    writer: DatabaseConnection,
    queue: WriteQueue,
    commits: Arc<Commits>,
    url: Arc<str>,
    /// Held by the one who probes.
    probing: Arc<tokio::sync::Mutex<()>>,
    /// Empty on PostgreSQL.
    sqlite: Arc<Sqlite>,
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
            preflight::sqlite(&url)?;
            return Self::connect_sqlite(url, options).await;
        }
        preflight::postgres(&url, CONNECTING).await?;
        let health = Arc::new(Health::new(DbBackend::Postgres));
        let trust = health.clone();
        let connections = options.pool.max(2);
        let mut pool = quiet(&url);
        pool.max_connections(connections)
            .acquire_timeout(ACQUIRING)
            .map_sqlx_postgres_before_acquire(move |_, connection| {
                let is_trusted = trust.trusts(connection.age);
                Box::pin(async move { Ok(is_trusted) })
            });
        let pool = Connector::connect(pool)
            .await
            .context("can't connect to PostgreSQL")?;
        let shares = Shares::postgres(connections);
        Ok(Self::of(url, pool.clone(), pool, health, shares))
    }

    fn of(
        url: String,
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
        };
        Self {
            counter: Reader {
                counts: true,
                ..reader.clone()
            },
            reader,
            writer,
            queue,
            commits,
            url: url.into(),
            probing: Arc::default(),
            sqlite,
        }
    }

    /// Runs reads outside a transaction, fair between users: see [`on_behalf_of`].
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Runs counts, which may scan a whole table. Shares the connections of [`reader`](Self::reader) but uses only a
    /// few at once, so that short reads find a free connection.
    pub fn counter(&self) -> &Reader {
        &self.counter
    }

    /// For single statements that write, and for migrations.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Begins a write.
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
        begun.inspect_err(|error| self.health().note(error))
    }

    /// On a connection that was lost since its last use nothing has begun: another one is taken.
    async fn begin_postgres(&self) -> Result<WriteTxn> {
        let permit = self.reader.shares.write().await;
        let begun = match WriteTxn::begin(&self.writer, &self.commits).await {
            Err(error) if is_lost_connection(&error) => {
                self.health().distrust();
                WriteTxn::begin(&self.writer, &self.commits).await
            }
            other => other,
        };
        let begun = begun.map_err(|error| self.reader.explained(error))?;
        Ok(begun.with_permit(permit))
    }

    /// The known conditions that keep the database from its work.
    pub fn health(&self) -> &Health {
        &self.reader.health
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
        for reader in [&mut self.reader, &mut self.counter] {
            let reads = observe.clone();
            let pool = &mut reader.connections;
            pool.set_metric_callback(move |info| reads(info.statement));
        }
        self.writer
            .set_metric_callback(move |info| observe(info.statement));
    }

    pub async fn close(self) -> Result<(), DbErr> {
        self.health().closed();
        self.reader.connections.close().await?;
        self.sqlite.close().await;
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
