//! Coordination of imports with parallel imports and further writers.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use entity::annotation;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::item;
use crate::{app::App, db::advisory, domain::rows::MAX_VALUES, error::Result};

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

/// Reads which unique ids of these tasks' annotations are in use.
pub async fn taken_unique_ids(
    txn: &DatabaseTransaction,
    tasks: &[item::Task],
) -> Result<HashSet<Uuid>> {
    let annotations = tasks.iter().flat_map(|task| &task.annotations);
    let wanted: Vec<Uuid> = annotations
        .filter_map(|annotation| annotation.unique_id)
        .collect();
    let mut taken = HashSet::new();
    for some in wanted.chunks(MAX_VALUES) {
        let found: Vec<Uuid> = annotation::Entity::find()
            .select_only()
            .column(annotation::Column::UniqueId)
            .filter(annotation::Column::UniqueId.is_in(some.iter().copied()))
            .into_tuple()
            .all(txn)
            .await?;
        taken.extend(found);
    }
    Ok(taken)
}
