//! Annotations: what somebody said about a task.

mod apply;
mod conflict;
mod create;
mod delete;
mod fit;
mod incoming;
pub mod index;
mod list;
mod lock;
mod restore;
mod update;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action, Column},
    annotation_revision::Event,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable,
    ModelTrait, QueryFilter, QuerySelect, sea_query::Expr,
};

pub use self::{
    create::{New, create},
    delete::{Deleted, delete},
    list::{
        Filter, Leaves, OrderKey, Parent, Query, count, count_per_parent, list, list_per_parent,
    },
    restore::restore,
    update::{Change, ConflictPolicy, RegionChanges, update},
};
use super::{
    access::{self, Actor},
    history::{self, Changes},
};
use crate::{
    app::App,
    error::{Problem, ProblemCode, Result},
};

/// Annotations by id, those that the actor sees.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashMap<i64, annotation::Model>> {
    let rows = access::visible_annotations(actor)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(app.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The results alone, of annotations that a list read without them.
pub async fn results(app: &App, actor: &Actor, ids: &[i64]) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = access::visible_annotations(actor)
        .select_only()
        .columns([Column::Id, Column::Result])
        .filter(Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(app.db.reader())
        .await?;
    Ok(rows.into_iter().collect())
}

/// The ground truths of these tasks, by task.
pub async fn ground_truths(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
) -> Result<HashMap<i64, annotation::Model>> {
    let rows = access::visible_annotations(actor)
        .filter(Column::TaskId.is_in(task_ids.iter().copied()))
        .filter(Expr::col((annotation::Entity, Column::GroundTruth)))
        .all(app.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.task_id, row)).collect())
}

/// Takes the ground truth away from the task's other annotation, with a revision of its own.
async fn clear_other_ground_truth(
    txn: &DatabaseTransaction,
    actor: &Actor,
    task_id: i64,
    keep: Option<i64>,
    at: DateTime<Utc>,
) -> Result<()> {
    let other = annotation::Entity::find()
        .filter(Column::TaskId.eq(task_id))
        .filter(Expr::col((annotation::Entity, Column::GroundTruth)))
        .one(txn)
        .await?
        .filter(|other| Some(other.id) != keep);
    let Some(before) = other else {
        return Ok(());
    };
    let mut other = before.clone();
    other.ground_truth = false;
    touch(&mut other, actor.id(), Action::Updated, at);
    let mut changes = Changes::default();
    changes.field("groundTruth", false);
    save(txn, before, &other).await?;
    let (event, action) = (Event::Updated, Action::Updated);
    history::append(txn, &other, event, action, actor.id(), at, changes).await
}

/// The bookkeeping of every accepted change.
fn touch(row: &mut annotation::Model, actor_id: i64, action: Action, at: DateTime<Utc>) {
    row.version += 1;
    row.updated_by_id = Some(actor_id);
    row.last_created_by_id = Some(actor_id);
    row.last_action = Some(action);
    // Time never runs backwards within one annotation, whatever the clock does.
    row.updated_at = at.max(row.updated_at);
}

/// Writes the columns in which two states of an annotation differ, and what it is found by; every other
/// index stays untouched.
async fn save(
    txn: &DatabaseTransaction,
    before: annotation::Model,
    after: &annotation::Model,
) -> Result<()> {
    let changed = Column::iter()
        .map(|column| (column, after.get(column)))
        .filter(|(column, value)| before.get(*column) != *value)
        .collect::<Vec<_>>();
    index::write(txn, &[(Some(&before), after)]).await?;
    let mut columns = before.into_active_model();
    for (column, value) in changed {
        columns.set(column, value);
    }
    columns.update_without_returning(txn).await?;
    Ok(())
}

/// Checks a lead time; `null` and absent are the caller's business.
fn check_lead_time(seconds: Option<f64>, path: [&str; 2]) -> Option<Problem> {
    let seconds = seconds?;
    (!seconds.is_finite() || seconds < 0.0).then(|| {
        Problem::new(
            path,
            ProblemCode::OutOfBounds,
            "a lead time is a number of seconds, zero or more",
        )
    })
}

/// A lead time as it is stored. SQLite keeps no minus zero.
fn unsigned(seconds: f64) -> f64 {
    seconds + 0.0
}

/// The problem of a reference that leads nowhere, or nowhere that the actor may look.
fn unknown(path: [&str; 2], noun: &str) -> Problem {
    Problem::new(
        path,
        ProblemCode::UnknownId,
        format!("there is no such {noun}, or you may not see it"),
    )
}
