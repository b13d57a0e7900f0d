//! Statements that read facts. Each reads the rows of all commands at once, and is left out if no command needs rows.

use std::collections::{HashMap, HashSet};

use entity::{
    annotation::{self, Column},
    annotation_draft, prediction,
};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect, Select, TryGetableMany,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::GroundTruthByTask;
use crate::{
    domain::{
        access::{self, Actor},
        bulk::MAX_VALUES,
    },
    error::Result,
};

/// Reads the ground truths of locked tasks, by task.
pub async fn ground_truths(
    txn: &DatabaseTransaction,
    task_ids: &[i64],
) -> Result<GroundTruthByTask> {
    if task_ids.is_empty() {
        return Ok(GroundTruthByTask::new());
    }
    let rows = annotation::Entity::find()
        .filter(Column::TaskId.is_in(task_ids.iter().copied()))
        .filter(Expr::col((annotation::Entity, Column::GroundTruth)))
        .all(txn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.task_id, row)).collect())
}

/// Reads the tasks of visible predictions, by prediction. Keeps the predictions from deletion until the transaction
/// ends.
pub async fn prediction_tasks(
    txn: &DatabaseTransaction,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashMap<i64, i64>> {
    use prediction::Column::{Id, TaskId};
    let tasks: Vec<(i64, i64)> =
        keep(txn, access::visible_predictions(actor), [Id, TaskId], ids).await?;
    Ok(tasks.into_iter().collect())
}

/// Reads the tasks of visible annotations, by annotation. Keeps the annotations from deletion until the transaction
/// ends.
pub async fn annotation_tasks(
    txn: &DatabaseTransaction,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashMap<i64, i64>> {
    let columns = [Column::Id, Column::TaskId];
    let tasks: Vec<(i64, i64)> =
        keep(txn, access::visible_annotations(actor), columns, ids).await?;
    Ok(tasks.into_iter().collect())
}

/// Reads which predictions exist. Keeps the predictions from deletion until the transaction ends.
pub async fn predictions(txn: &DatabaseTransaction, ids: &[i64]) -> Result<HashSet<i64>> {
    let found: Vec<i64> = keep(
        txn,
        prediction::Entity::find(),
        [prediction::Column::Id],
        ids,
    )
    .await?;
    Ok(found.into_iter().collect())
}

/// Reads which annotations exist. Keeps the annotations from deletion until the transaction ends.
pub async fn annotations(txn: &DatabaseTransaction, ids: &[i64]) -> Result<HashSet<i64>> {
    let found: Vec<i64> = keep(txn, annotation::Entity::find(), [Column::Id], ids).await?;
    Ok(found.into_iter().collect())
}

/// Reads columns of rows by id, the id first, and keeps the rows from deletion until the transaction ends.
async fn keep<E: EntityTrait, T: TryGetableMany, const N: usize>(
    txn: &DatabaseTransaction,
    rows: Select<E>,
    columns: [E::Column; N],
    ids: &[i64],
) -> Result<Vec<T>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let id = columns[0];
    let rows = rows
        .select_only()
        .columns(columns)
        .filter(id.is_in(ids.iter().copied()))
        // `FOR KEY SHARE` blocks deletion, yet not an update of other columns:
        // https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
        .lock(LockType::KeyShare);
    Ok(rows.into_tuple().all(txn).await?)
}

/// Reads which unique ids are in use.
pub async fn used_unique_ids(txn: &DatabaseTransaction, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut used = HashSet::new();
    for some in ids.chunks(MAX_VALUES) {
        let found: Vec<Uuid> = annotation::Entity::find()
            .select_only()
            .column(Column::UniqueId)
            .filter(Column::UniqueId.is_in(some.iter().copied()))
            .into_tuple()
            .all(txn)
            .await?;
        used.extend(found);
    }
    Ok(used)
}

/// Finds the annotations whose conversion would delete or overwrite a draft of the actor's: a draft of the
/// annotation, or the draft of its task that the actor saves to. Takes annotations with their tasks.
pub async fn drafts_at_risk(
    txn: &DatabaseTransaction,
    actor: &Actor,
    converted: &[(i64, i64)],
) -> Result<HashSet<i64>> {
    use annotation_draft::Column::{AnnotationId, IsAutosave, TaskId, UserId};
    #[derive(FromQueryResult)]
    struct Draft {
        task_id: i64,
        annotation_id: Option<i64>,
    }
    if converted.is_empty() {
        return Ok(HashSet::new());
    }
    let saved_to = Condition::all()
        .add(TaskId.is_in(converted.iter().map(|(_, task_id)| *task_id)))
        .add(AnnotationId.is_null())
        .add(Expr::col(IsAutosave));
    let drafts: Vec<Draft> = annotation_draft::Entity::find()
        .select_only()
        .columns([TaskId, AnnotationId])
        .filter(UserId.eq(actor.id()))
        .filter(
            Condition::any()
                .add(AnnotationId.is_in(converted.iter().map(|(id, _)| *id)))
                .add(saved_to),
        )
        .into_model()
        .all(txn)
        .await?;
    let is_at_risk = |(id, task_id): &&(i64, i64)| {
        drafts.iter().any(|draft| match draft.annotation_id {
            Some(annotation_id) => annotation_id == *id,
            None => draft.task_id == *task_id,
        })
    };
    Ok(converted
        .iter()
        .filter(is_at_risk)
        .map(|(id, _)| *id)
        .collect())
}
