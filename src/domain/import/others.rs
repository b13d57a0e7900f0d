//! Imports beside one another, and beside everybody else who writes.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use entity::annotation;
use sea_orm::{ColumnTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::item;
use crate::{app::App, db::advisory, domain::rows::MAX_VALUES, error::Result};

/// Makes imports that run side by side write one after the other, so that none meets a unique key that
/// another has written but not committed. SQLite has one writer anyway.
pub async fn lock(txn: &DatabaseTransaction) -> Result<()> {
    Ok(advisory::lock(txn, advisory::IMPORT_BATCH).await?)
}

/// Leaves the database to others for a moment after a transaction that began at `since`.
///
/// Whoever waits for SQLite's write lock in another process asks for it at growing intervals; unless it
/// stays free for one of them, an import would keep everybody out to its end.
pub async fn make_way(app: &App, since: Instant) {
    if app.db.backend() == DbBackend::Sqlite {
        // The steps of sqlite3_busy_timeout: after so many milliseconds, it sleeps so many; and some to spare.
        let interval = match since.elapsed().as_millis() {
            0..125 => 30,
            125..225 => 55,
            _ => 105,
        };
        tokio::time::sleep(Duration::from_millis(interval)).await;
    }
}

/// Which unique ids of these tasks' annotations are in use.
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
