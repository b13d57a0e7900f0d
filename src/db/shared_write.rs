//! Transactions that carry the writes of several requests.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use sea_orm::{Database as Connector, DatabaseConnection, sqlx::Executor};

use super::{Database, health::Health, quiet, write::WriteTxn};
use crate::error::{Error, Result};

/// Shared writes at once on PostgreSQL: while one waits for the disk, the other reads and decides.
pub const SHARED_WRITES: u32 = 2;

/// Longest wait for a connection. There are as many connections as writers, so that only an unreachable or full server
/// makes a writer wait; each write then runs alone.
const ACQUIRING: Duration = Duration::from_secs(1);

/// Longest use of a connection, after which its statements are planned for tables of today's size.
const PLANNED: Duration = Duration::from_secs(60);

/// Settings of a connection. Statements bind arrays, for whose actual lengths the server would plan anew at every
/// execution, at twice the cost of the execution itself. A write that waits for a lock holds up the others of its
/// transaction, so it fails early. The other bounds release the locks of a process that is frozen, or whose machine is
/// gone. <https://www.postgresql.org/docs/current/runtime-config-client.html>
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; \
     SET lock_timeout = '100ms'; \
     SET idle_in_transaction_session_timeout = '10s'; \
     SET statement_timeout = '10s'; \
     SET tcp_user_timeout = '10s'";

impl Database {
    /// Begins a write transaction that carries the writes of several requests: without the conditions of a request, which
    /// the caller checks for each request by [`may_commit`](Self::may_commit), and without a permit, since no user has
    /// the transaction to itself. Fails early, for writes that run by themselves then: the failure is no condition of
    /// the database yet.
    pub async fn begin_shared(&self) -> Result<WriteTxn> {
        if let Some(failure) = self.refuses_writes() {
            return Err(Error::Unavailable(failure));
        }
        match &self.shared_writer {
            Some(pool) => self.begin_on(pool).await,
            None => WriteTxn::begin_in_turn(&self.writer, &self.queue, &self.commits).await,
        }
    }
}

/// Opens the pool for shared writes to PostgreSQL, whose connections are established on first use.
pub(super) async fn pool(url: &str, health: Arc<Health>) -> anyhow::Result<DatabaseConnection> {
    let mut pool = quiet(url);
    pool.max_connections(SHARED_WRITES)
        .acquire_timeout(ACQUIRING)
        .max_lifetime(PLANNED)
        .connect_lazy(true)
        .map_sqlx_postgres_before_acquire(move |_, connection| {
            let is_trusted = health.trusts(connection.age);
            Box::pin(async move { Ok(is_trusted) })
        })
        .map_sqlx_postgres_pool_opts(|options| {
            options.after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SETTINGS).await.map(drop) })
            })
        });
    Connector::connect(pool)
        .await
        .context("can't connect to PostgreSQL")
}
