//! Annotations: what somebody said about a task.

mod apply;
pub mod batch;
mod conflict;
mod create;
mod delete;
mod delete_by_task;
mod facts;
mod filter;
mod flag;
pub mod index;
mod list;
pub(super) mod lock;
mod new_result;
mod plan;
mod restore;
mod result_validation;
mod update;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::annotation::{self, Action, Column};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, sea_query::Expr};

pub(in crate::domain) use self::delete_by_task::delete_by_task;
pub use self::{
    create::{New, create},
    delete::{Deleted, delete},
    filter::{Filter, Leaves},
    flag::{Flag, set_flag},
    list::{OrderKey, Parent, Query, count, count_per_parent, list, list_per_parent},
    restore::restore,
    update::{Change, ConflictPolicy, OwnDrafts, RegionChanges, ReviewNote, update},
};
pub(super) use self::{
    create::{check_input as check_new, create_locked},
    delete::delete_locked,
    facts::PendingCreate,
    plan::{Outcome, conclude},
    update::{change_locked, check_input as check_change},
};
use super::{
    access::{self, Actor},
    large::{Large, Reading},
};
use crate::{
    app::App,
    error::{Problem, ProblemCode, Result},
};

impl Large for annotation::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Result];
    const UNTOLD: &'static [Column] = &[Column::Extra];
}

/// Annotations by id, those that the actor sees, for an answer that holds their results so many times; for none
/// they are left empty.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<annotation::Model>>> {
    let visible = access::visible_annotations(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(Column::Id.is_in(ids.iter().copied()));
    reading.few(named, ids.len(), |row| row.id).await
}

/// The results alone, of annotations whose size is known and charged.
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
    times: u64,
) -> Result<HashMap<i64, Result<annotation::Model>>> {
    let visible = access::visible_annotations(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let ground_truths = visible
        .filter(Column::TaskId.is_in(task_ids.iter().copied()))
        .filter(Expr::col((annotation::Entity, Column::GroundTruth)));
    reading
        .few(ground_truths, task_ids.len(), |row| row.task_id)
        .await
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

/// Checks a lead time; `null` and absent are the caller's business.
pub(super) fn check_lead_time(seconds: Option<f64>, path: [&str; 2]) -> Option<Problem> {
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
pub(super) fn unsigned(seconds: f64) -> f64 {
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
