//! Annotations: answers of people to tasks.

mod apply;
pub mod batch;
mod check;
mod command;
mod conflict;
mod decide;
mod delete_by_task;
mod facts;
mod filter;
mod group;
pub mod index;
mod list;
pub(super) mod lock;
mod new_result;
mod operations;
mod outcome;
mod pending;
mod plan;
mod result_validation;
mod run;

use std::collections::HashMap;

use entity::annotation::{self, Column};
use sea_orm::{QueryFilter, QuerySelect, sea_query::Expr};

pub(in crate::domain) use self::delete_by_task::delete_by_task;

pub(super) use self::{
    apply::unsigned, check::check_lead_time, facts::used_unique_ids, run::run_one,
};
pub use self::{
    check::MAX_COMMENT,
    command::{
        Change, Command, ConflictPolicy, DraftKey, New, OwnDrafts, RegionChanges, ReviewAction,
        ReviewNote, Submission, SubmittedDraft,
    },
    filter::{Filter, Leaves},
    list::{OrderKey, Parent, Query, count, count_per_parent, list, list_per_parent},
    operations::{Deleted, Flag, create, delete, restore, set_flag, update},
    outcome::{Done, Mode},
    run::run,
};
use super::{
    access::{self, Actor},
    large::{Large, Reading},
};
use crate::{app::App, db::is_any, error::Result};

impl Large for annotation::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Result];
    const UNTOLD: &'static [Column] = &[Column::Extra];
}

/// Reads visible annotations by id, for an answer that holds their results `times` times. With zero times the rows have
/// no results.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<annotation::Listed>>> {
    let visible = access::visible_annotations(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()));
    let rows = reading.few(named, ids.len(), |row| row.id).await?;
    Ok(listed(rows, times > 0))
}

/// Turns rows into rows of a list, without results unless results were read.
fn listed(
    rows: HashMap<i64, Result<annotation::Model>>,
    have_results: bool,
) -> HashMap<i64, Result<annotation::Listed>> {
    let rows = rows.into_iter();
    rows.map(|(id, row)| (id, row.map(|row| row.listed(have_results))))
        .collect()
}

/// Reads results alone, of annotations whose sizes are known and charged.
pub async fn results(app: &App, actor: &Actor, ids: &[i64]) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = access::visible_annotations(actor)
        .select_only()
        .columns([Column::Id, Column::Result])
        .filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()))
        .into_tuple()
        .all(app.db.reader())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Reads the ground truths of these tasks, by task.
pub async fn ground_truths(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<annotation::Listed>>> {
    let visible = access::visible_annotations(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let ground_truths = visible
        .filter(is_any(
            app.db.backend(),
            Column::TaskId,
            task_ids.iter().copied(),
        ))
        // Without a parameter, so that the partial index on ground truths applies.
        .filter(Expr::col((annotation::Entity, Column::GroundTruth)));
    let rows = reading
        .few(ground_truths, task_ids.len(), |row| row.task_id)
        .await?;
    Ok(listed(rows, times > 0))
}
