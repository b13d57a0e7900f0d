//! Deletes the annotations of whole tasks, each with the revision and tombstone of a single deletion.

use chrono::{DateTime, Utc};
use entity::annotation::{self, Column};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::plan;
use crate::{
    domain::{access::Actor, history},
    error::Result,
};

/// Annotations deleted together.
const BATCH: u64 = 500;

/// Deletes all annotations of locked tasks, with their drafts, and returns their number. Histories stay and end with
/// a deletion; without its task an annotation can't be restored.
pub(in crate::domain) async fn delete_by_task(
    txn: &DatabaseTransaction,
    actor: &Actor,
    task_ids: &[i64],
    at: DateTime<Utc>,
) -> Result<u64> {
    let mut deleted = 0;
    loop {
        // Reads rows without results: a task's results together can exceed the memory, and a deletion stores none.
        let mut rows = annotation::Entity::find()
            .select_only()
            .columns(Column::iter().filter(|column| !matches!(column, Column::Result)))
            .expr_as(Expr::val(""), Column::Result)
            .filter(Column::TaskId.is_in(task_ids.iter().copied()))
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .all(txn)
            .await?;
        if rows.is_empty() {
            return Ok(deleted);
        }
        deleted += rows.len() as u64;
        let mut revisions = Vec::with_capacity(rows.len());
        for row in &mut rows {
            revisions.push(plan::end_history(row, actor.id(), at)?);
        }
        history::append_all(txn, revisions).await?;
        plan::tombstone(txn, rows).await?;
    }
}
