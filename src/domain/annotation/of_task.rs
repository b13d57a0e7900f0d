//! Deletes the annotations of whole tasks: each ends as if it was deleted by itself.

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action, Column},
    annotation_revision::{self, Event},
    annotation_tombstone,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, Iterable, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use super::touch;
use crate::{
    domain::{access::Actor, history::Changes, rows},
    error::Result,
};

/// Annotations that are deleted together.
const BATCH: u64 = 500;

/// Deletes every annotation of tasks that are locked, with its drafts; how many there were. Their histories end
/// with a deletion and stay, but without a task there is no way back.
pub(in crate::domain) async fn delete_of_tasks(
    txn: &DatabaseTransaction,
    actor: &Actor,
    task_ids: &[i64],
    at: DateTime<Utc>,
) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let rows = annotation::Entity::find()
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
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut revisions = Vec::with_capacity(rows.len());
        let mut tombstones = Vec::with_capacity(rows.len());
        for mut row in rows {
            let action = row.last_action.unwrap_or(Action::Updated);
            touch(&mut row, actor.id(), action, at);
            revisions.push(revision(&row, action, actor, at)?);
            tombstones.push(tombstone(row).into_active_model().reset_all());
        }
        rows::insert(txn, revisions).await?;
        annotation::Entity::delete_many()
            .filter(Column::Id.is_in(ids))
            .exec(txn)
            .await?;
        rows::insert(txn, tombstones).await?;
    }
}

fn revision(
    row: &annotation::Model,
    action: Action,
    actor: &Actor,
    at: DateTime<Utc>,
) -> Result<annotation_revision::ActiveModel> {
    let (changes, result) = Changes::default().into_texts()?;
    Ok(annotation_revision::ActiveModel {
        annotation_id: Set(row.id),
        version: Set(row.version),
        event: Set(Event::Deleted),
        action: Set(action),
        task_id: Set(row.task_id),
        project_id: Set(row.project_id),
        actor_id: Set(Some(actor.id())),
        updated_by_id: Set(row.updated_by_id),
        created_at: Set(at),
        changes: Set(changes),
        result: Set(result),
        ..Default::default()
    })
}

fn tombstone(row: annotation::Model) -> annotation_tombstone::Model {
    annotation_tombstone::Model {
        annotation_id: row.id,
        project_id: row.project_id,
        unique_id: row.unique_id,
        created_at: row.created_at,
        draft_created_at: row.draft_created_at,
        import_id: row.import_id,
        parent_prediction_id: row.parent_prediction_id,
        parent_annotation_id: row.parent_annotation_id,
        extra: row.extra,
    }
}
