//! Mutation `deleteTask`: deletes a task with its rows, except the histories of its annotations
//! (`docs/decisions/0016-deletions.md`).

use entity::{
    annotation_draft, prediction,
    task::{self, Column},
};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, sea_query::LockType,
};

use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        annotation,
    },
    error::{Error, Result},
    instant,
};

/// Counts of the rows deleted with a task.
#[derive(Debug)]
pub struct Deleted {
    pub id: i64,
    pub project_id: i64,
    pub annotations: u64,
    pub predictions: u64,
    pub drafts: u64,
}

/// Deletes a task. Annotations of further tasks that were created from the task's annotations or predictions lose
/// their parent.
pub async fn delete(app: &App, actor: &Actor, id: i64) -> Result<Deleted> {
    let txn = app.db.begin().await?;
    // Takes `FOR UPDATE` at once: waits for transactions that are inserting rows which refer to the task, so that the
    // counts include these rows.
    let locked: Option<(i64, i64)> = access::visible_tasks(actor)
        .select_only()
        .columns([Column::Id, Column::ProjectId])
        .filter(Column::Id.eq(id))
        .lock(LockType::Update)
        .into_tuple()
        .one(&*txn)
        .await?;
    let (id, project_id) = locked.ok_or(Error::NotFound("task"))?;
    let role = access::role_in(&txn, actor, project_id).await?;
    let role = role.ok_or(Error::NotFound("task"))?;
    access::require(access::may_manage(role), "tasks are deleted by managers")?;
    let drafts = annotation_draft::Entity::find()
        .filter(annotation_draft::Column::TaskId.eq(id))
        .count(&*txn)
        .await?;
    let predictions = prediction::Entity::find()
        .filter(prediction::Column::TaskId.eq(id))
        .count(&*txn)
        .await?;
    let annotations = annotation::delete_by_task(&txn, actor, &[id], instant::now()).await?;
    task::Entity::delete_by_id(id).exec(&txn).await?;
    txn.commit().await?;
    Ok(Deleted {
        id,
        project_id,
        annotations,
        predictions,
        drafts,
    })
}
