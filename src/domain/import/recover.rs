//! Rolls back incomplete imports.

use std::time::{Duration, Instant};

use entity::{
    annotation, annotation_draft, annotation_revision, api_token, import_job, project,
    project_member, task, user,
};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, IntoColumnRef, IntoCondition},
};

use tokio::time::MissedTickBehavior;

use super::{
    import_lock,
    job::{self, Job},
};
use crate::{app::App, error::Result};

/// Interval between two searches for imports to settle.
const SETTLED_EVERY: Duration = Duration::from_secs(5);
/// Time of a write that delays other writers little; the next one deletes twice as many users.
const SHORT_WRITE: Duration = Duration::from_millis(50);
/// Maximum number of users that a write deletes.
const MAX_USERS: usize = 256;

/// Settled import of a dead process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub project_id: i64,
    /// The import had written all rows and was completed; otherwise all its rows were removed.
    pub is_complete: bool,
}

/// Settles each import whose process is dead: completes an import that had written all rows, and rolls back the rest.
/// Running imports of any process are left alone.
pub async fn recover(app: &App) -> Result<Vec<Recovered>> {
    let ids: Vec<i64> = import_job::Entity::find()
        .select_only()
        .column(import_job::Column::Id)
        .order_by_asc(import_job::Column::Id)
        .into_tuple()
        .all(app.db.reader())
        .await?;
    let mut recovered = Vec::new();
    for id in ids {
        // Taking the lock is the test of life: a running import holds its lock.
        let Some((job, row)) = Job::adopt(app, id).await? else {
            continue;
        };
        recovered.push(Recovered {
            project_id: row.project_id,
            is_complete: row.is_written,
        });
        if row.is_written {
            job.finish(app).await?;
        } else {
            take_back(app, job, &row).await?;
        }
    }
    Ok(recovered)
}

/// Settles imports now and at intervals, for as long as the future is polled. Includes imports that failed beside
/// this server, and imports that could not be settled before because the database took no writes.
pub async fn keep_settled(app: App) {
    let mut turns = tokio::time::interval(SETTLED_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        match recover(&app).await {
            Ok(recovered) => recovered.iter().for_each(Recovered::log),
            Err(error) => {
                let health = app.db.health();
                health.report(&error, "settle an import that failed or died");
            }
        }
    }
}

impl Recovered {
    /// Logs the settled import.
    pub fn log(&self) {
        let Self {
            project_id,
            is_complete,
        } = self;
        tracing::warn!(project_id, is_complete, "settled an import that had died");
    }
}

/// Deletes the job's tasks with their rows, then the members, users and project that the import created, where no
/// further rows refer to them.
pub(super) async fn take_back(app: &App, job: Job, row: &import_job::Model) -> Result<()> {
    loop {
        let ids = job.some_tasks(app).await?;
        if ids.is_empty() {
            break;
        }
        let begun = Instant::now();
        let txn = app.db.begin().await?;
        job::lock_tasks(&txn, ids.iter().copied()).await?;
        let annotations = annotation::Entity::find()
            .select_only()
            .column(annotation::Column::Id)
            .filter(annotation::Column::TaskId.is_in(ids.iter().copied()))
            .into_query();
        // Revisions have no foreign key to annotations, so deleting tasks would leave the revisions behind.
        annotation_revision::Entity::delete_many()
            .filter(annotation_revision::Column::AnnotationId.in_subquery(annotations))
            .exec(&txn)
            .await?;
        task::Entity::delete_many()
            .filter(task::Column::Id.is_in(ids))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        import_lock::yield_to_writers(app, begun).await;
    }
    let txn = app.db.begin().await?;
    delete_members(&txn, row).await?;
    txn.commit().await?;
    delete_users(app, row).await?;
    let txn = app.db.begin().await?;
    // Deletes the record with the last row in a single transaction: a crash before repeats the rollback.
    import_job::Entity::delete_by_id(job.id).exec(&txn).await?;
    if row.created_project && is_unused_project(&txn, row.project_id).await? {
        project::Entity::delete_by_id(row.project_id)
            .exec(&txn)
            .await?;
    }
    txn.commit().await?;
    job.end();
    Ok(())
}

/// Says whether the project has no rows of other origin, and locks the project so that none are added.
async fn is_unused_project(txn: &DatabaseTransaction, id: i64) -> Result<bool> {
    let locked = project::Entity::find_by_id(id).lock_exclusive();
    let tasks = task::Entity::find().filter(task::Column::ProjectId.eq(id));
    let jobs = import_job::Entity::find().filter(import_job::Column::ProjectId.eq(id));
    Ok(locked.one(txn).await?.is_some()
        && tasks.count(txn).await? == 0
        && jobs.count(txn).await? == 0)
}

/// Ends the memberships that the import created, except of users with annotations in the project.
async fn delete_members(txn: &DatabaseTransaction, row: &import_job::Model) -> Result<()> {
    let ids: Vec<i64> = serde_json::from_str(&row.added_members)?;
    let member = (project_member::Entity, project_member::Column::UserId);
    let in_project = || Some(annotation::Column::ProjectId.eq(row.project_id));
    let authors = annotation::Column::CompletedById;
    let unused = unused::<annotation::Entity>(authors, member, in_project());
    let unnamed = [
        annotation::Column::UpdatedById,
        annotation::Column::LastCreatedById,
    ]
    .map(|column| unnamed::<annotation::Entity>(column, member, in_project()));
    project_member::Entity::delete_many()
        .filter(project_member::Column::ProjectId.eq(row.project_id))
        .filter(project_member::Column::UserId.is_in(ids))
        .filter(
            unnamed
                .into_iter()
                .fold(unused.into_condition(), Condition::add),
        )
        .exec(txn)
        .await?;
    Ok(())
}

/// Deletes the users that the import created, except users to whom a row refers: a few in each transaction. The
/// database looks for references to each deleted user, for up to a second among a million rows, and SQLite has a single
/// writer.
async fn delete_users(app: &App, row: &import_job::Model) -> Result<()> {
    let mut ids: Vec<i64> = serde_json::from_str(&row.created_users)?;
    let mut at_once = 1;
    while !ids.is_empty() {
        let begun = Instant::now();
        let some = ids.split_off(ids.len().saturating_sub(at_once));
        let txn = app.db.begin().await?;
        delete_some_users(&txn, some).await?;
        txn.commit().await?;
        at_once = match begun.elapsed() < SHORT_WRITE {
            true => (at_once * 2).min(MAX_USERS),
            false => 1,
        };
        import_lock::yield_to_writers(app, begun).await;
    }
    Ok(())
}

async fn delete_some_users(txn: &DatabaseTransaction, ids: Vec<i64>) -> Result<()> {
    use annotation_revision::Column::{ActorId, UpdatedById};
    let user = (user::Entity, user::Column::Id);
    let unused = [
        unused::<annotation_draft::Entity>(annotation_draft::Column::UserId, user, None),
        unused::<project::Entity>(project::Column::CreatedById, user, None),
        unused::<project_member::Entity>(project_member::Column::UserId, user, None),
        unused::<api_token::Entity>(api_token::Column::UserId, user, None),
        unused::<annotation::Entity>(annotation::Column::CompletedById, user, None),
    ];
    // No index begins with these columns, so each is read once for all these users.
    let unnamed = [
        unnamed::<annotation::Entity>(annotation::Column::UpdatedById, user, None),
        unnamed::<annotation::Entity>(annotation::Column::LastCreatedById, user, None),
        unnamed::<annotation_revision::Entity>(ActorId, user, None),
        unnamed::<annotation_revision::Entity>(UpdatedById, user, None),
        unnamed::<task::Entity>(task::Column::UpdatedById, user, None),
    ];
    let all = unused.into_iter().chain(unnamed);
    user::Entity::delete_many()
        .filter(user::Column::Id.is_in(ids))
        .filter(all.fold(Condition::all(), Condition::add))
        .exec(txn)
        .await?;
    Ok(())
}

/// Builds the condition that no matching row of `E` refers by this column to `target`.
fn unused<E: EntityTrait>(
    column: E::Column,
    target: impl IntoColumnRef,
    among: Option<Expr>,
) -> Expr {
    let rows = E::find()
        .select_only()
        .expr(Expr::val(1_i32))
        .filter(Expr::col((E::default(), column)).equals(target))
        .filter(Condition::all().add_option(among));
    Expr::exists(rows.into_query()).not()
}

/// Builds the same condition for a column that no index begins with: the subquery refers to no outer row, so that the
/// rows are read once for all targets.
fn unnamed<E: EntityTrait>(
    column: E::Column,
    target: impl IntoColumnRef,
    among: Option<Expr>,
) -> Expr {
    let named = E::find()
        .select_only()
        .distinct()
        .column(column)
        .filter(column.is_not_null())
        .filter(Condition::all().add_option(among));
    Expr::col(target).not_in_subquery(named.into_query())
}
