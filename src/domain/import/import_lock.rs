//! Coordination of imports with parallel imports and further writers.

use std::time::{Duration, Instant};

use sea_orm::{DatabaseTransaction, DbBackend};

use crate::{app::App, db::advisory, error::Result};

/// Serialises the writes of parallel imports, so that no import meets a unique key that a parallel transaction has
/// not committed yet. SQLite has a single writer anyway.
pub async fn acquire(txn: &DatabaseTransaction) -> Result<()> {
    Ok(advisory::lock(txn, advisory::IMPORT_BATCH).await?)
}

/// Pauses after a transaction that began at `since`, so that waiting writers can proceed.
///
/// A process that waits for SQLite's write lock polls at growing intervals. Unless the lock is free for a whole
/// interval, an import would starve all other processes to its end (<https://www.sqlite.org/c3ref/busy_timeout.html>).
pub async fn yield_to_writers(app: &App, since: Instant) {
    if app.db.backend() == DbBackend::Sqlite {
        // Steps of SQLite's busy handler, which sleeps longer the longer the wait has lasted, plus a margin.
        let interval = match since.elapsed().as_millis() {
            0..125 => 30,
            125..225 => 55,
            _ => 105,
        };
        tokio::time::sleep(Duration::from_millis(interval)).await;
    }
}
