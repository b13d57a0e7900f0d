//! Mutation `deleteProject`: deletes a project with all its rows, including histories
//! (`docs/decisions/0016-deletions.md`).

use entity::{
    annotation, annotation_draft, prediction,
    project::{self, Column},
    project_member, task,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, sea_query::LockType,
};

use super::member::membership;
use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        history::snapshot,
        idempotency,
    },
    error::{Error, Result},
};

/// Counts of the rows deleted with a project.
#[derive(Debug)]
pub struct Deleted {
    pub id: i64,
    pub tasks: u64,
    pub annotations: u64,
    pub predictions: u64,
    pub drafts: u64,
}

/// Attempts to lock all tasks while further tasks are being added.
const TRIES: usize = 4;

/// Deletes a project with tasks, annotations, predictions, drafts and memberships, and with the history and events of
/// its annotations: no member remains who could see these.
pub async fn delete(app: &App, actor: &Actor, id: i64) -> Result<Deleted> {
    for _ in 0..TRIES {
        let txn = app.db.begin().await?;
        let visible = || access::visible_projects(actor).filter(Column::Id.eq(id));
        let found = visible().one(&*txn).await?;
        found.ok_or(Error::NotFound("project"))?;
        let role = access::role_in(&txn, actor, id).await?;
        let role = role.ok_or(Error::NotFound("project"))?;
        access::require(access::may_manage(role), "projects are deleted by managers")?;
        // Locks tasks before their project, in the order of ids, as all writers do (`docs/decisions/0004-locks.md`).
        let locked = lock_tasks(&txn, id).await?;
        let project = visible().lock(LockType::Update).one(&*txn).await?;
        project.ok_or(Error::NotFound("project"))?;
        let tasks = task::Entity::find().filter(task::Column::ProjectId.eq(id));
        let tasks = tasks.count(&*txn).await?;
        if tasks != locked {
            // Tasks were added before the project was locked. Waiting for these under the project's lock could
            // deadlock with their writers, so the transaction starts again.
            txn.rollback().await?;
            continue;
        }
        let deleted = Deleted {
            id,
            tasks,
            annotations: annotation::Entity::find()
                .filter(annotation::Column::ProjectId.eq(id))
                .count(&*txn)
                .await?,
            predictions: prediction::Entity::find()
                .filter(prediction::Column::ProjectId.eq(id))
                .count(&*txn)
                .await?,
            drafts: drafts(&txn, id).await?,
        };
        // Moved annotations outlive the project: their histories have to start anew before the old revisions are
        // deleted.
        snapshot::leave(&*txn, id).await?;
        let own = project_member::Entity::find().filter(membership(id, actor.id()));
        let own = own.lock(LockType::Update).one(&*txn).await?;
        project::Entity::delete_by_id(id).exec(&txn).await?;
        txn.commit().await?;
        // Deleting a membership can end the actor's own access, which a retry with the same idempotency key has to
        // know.
        idempotency::lost_by_own(app, actor, actor.id(), u64::from(own.is_some()));
        return Ok(deleted);
    }
    Err(Error::busy())
}

/// Locks the tasks of a project and returns their number.
async fn lock_tasks(txn: &DatabaseTransaction, project_id: i64) -> Result<u64> {
    let ids: Vec<i64> = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(task::Column::ProjectId.eq(project_id))
        .order_by_asc(task::Column::Id)
        .lock(LockType::Update)
        .into_tuple()
        .all(txn)
        .await?;
    Ok(ids.len() as u64)
}

async fn drafts(txn: &DatabaseTransaction, project_id: i64) -> Result<u64> {
    let tasks = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(task::Column::ProjectId.eq(project_id))
        .into_query();
    let drafts = annotation_draft::Entity::find();
    let drafts = drafts.filter(annotation_draft::Column::TaskId.in_subquery(tasks));
    Ok(drafts.count(txn).await?)
}
