//! `deleteProject`: everything in it goes, histories too.

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

/// What went with a project.
#[derive(Debug)]
pub struct Deleted {
    pub id: i64,
    pub tasks: u64,
    pub annotations: u64,
    pub predictions: u64,
    pub drafts: u64,
}

/// How often tasks that come meanwhile are waited for.
const TRIES: usize = 4;

/// Deletes a project with its tasks, their annotations, predictions and drafts, its memberships, and the history
/// and events of its annotations: nobody belongs to it any more who could see them.
pub async fn delete(app: &App, actor: &Actor, id: i64) -> Result<Deleted> {
    for _ in 0..TRIES {
        let txn = app.db.begin().await?;
        let visible = || access::visible_projects(actor).filter(Column::Id.eq(id));
        let found = visible().one(&*txn).await?;
        found.ok_or(Error::NotFound("project"))?;
        let role = access::role_in(&txn, actor, id).await?;
        let role = role.ok_or(Error::NotFound("project"))?;
        access::require(access::may_manage(role), "projects are deleted by managers")?;
        // Tasks before their project, and in the order of their ids, like everybody who writes in them.
        let locked = lock_tasks(&txn, id).await?;
        let project = visible().lock(LockType::Update).one(&*txn).await?;
        project.ok_or(Error::NotFound("project"))?;
        let tasks = task::Entity::find().filter(task::Column::ProjectId.eq(id));
        let tasks = tasks.count(&*txn).await?;
        if tasks != locked {
            // Some came before the project was ours; nobody may hold one of them and wait for us.
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
        snapshot::leave(&*txn, id).await?;
        let own = project_member::Entity::find().filter(membership(id, actor.id()));
        let own = own.lock(LockType::Update).one(&*txn).await?;
        project::Entity::delete_by_id(id).exec(&txn).await?;
        txn.commit().await?;
        idempotency::lost_by_own(actor, actor.id(), u64::from(own.is_some()));
        return Ok(deleted);
    }
    Err(Error::busy())
}

/// Locks the tasks of a project, and counts them.
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
