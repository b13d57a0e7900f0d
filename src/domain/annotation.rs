//! Annotations: what somebody said about a task.

pub mod batch;
mod conflict;
mod create;
mod delete;
mod fit;
mod flag;
mod ground;
mod incoming;
pub(super) mod lock;
mod of_task;
mod plan;
mod restore;
mod set;
mod update;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action, Column},
    user,
};
use sea_orm::{
    ColumnTrait, Condition, Iterable, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::Expr,
};

pub(in crate::domain) use self::of_task::delete_of_tasks;
pub use self::{
    create::{New, create},
    delete::{Deleted, delete},
    flag::{Flag, set_flag},
    restore::restore,
    update::{Change, ConflictPolicy, OwnDrafts, RegionChanges, ReviewNote, update},
};
pub(super) use self::{
    create::{check_input as check_new, create_locked},
    delete::delete_locked,
    ground::Birth,
    plan::{Outcome, conclude},
    update::{change_locked, check_input as check_change},
};
use super::{
    access::{self, Actor},
    filter::{DateTimeRange, EnumFilter, FloatRange, IdFilter},
    page::{Columns, OrderKey, Ordering, Page, Slice},
};
use crate::{
    app::App,
    error::{Problem, ProblemCode, Result},
};

/// Which annotations a list holds; every part that is given has to match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub id: Option<IdFilter>,
    pub unique_id: Option<EnumFilter<uuid::Uuid>>,
    pub task_id: Option<IdFilter>,
    pub project_id: Option<IdFilter>,
    pub completed_by_id: Option<IdFilter>,
    pub updated_by_id: Option<IdFilter>,
    pub was_cancelled: Option<bool>,
    pub ground_truth: Option<bool>,
    pub last_action: Option<EnumFilter<Action>>,
    pub created_at: Option<DateTimeRange>,
    pub updated_at: Option<DateTimeRange>,
    pub lead_time: Option<FloatRange>,
    pub import_id: Option<IdFilter>,
}

impl Filter {
    fn condition(&self, actor: &Actor) -> Condition {
        Condition::all()
            .add_option(self.id.as_ref().map(|ids| ids.condition(Column::Id)))
            .add_option(
                self.unique_id
                    .as_ref()
                    .map(|ids| ids.condition(Column::UniqueId)),
            )
            .add_option(
                self.task_id
                    .as_ref()
                    .map(|ids| ids.condition(Column::TaskId)),
            )
            .add_option(
                self.project_id
                    .as_ref()
                    .map(|ids| ids.condition(Column::ProjectId)),
            )
            .add_option(
                self.completed_by_id
                    .as_ref()
                    .map(|ids| of_seen(actor, ids, Column::CompletedById)),
            )
            .add_option(
                self.updated_by_id
                    .as_ref()
                    .map(|ids| of_seen(actor, ids, Column::UpdatedById)),
            )
            .add_option(self.was_cancelled.map(|is| Column::WasCancelled.eq(is)))
            .add_option(self.ground_truth.map(|is| Column::GroundTruth.eq(is)))
            .add_option(
                self.last_action
                    .as_ref()
                    .map(|actions| actions.condition(Column::LastAction)),
            )
            .add_option(
                self.created_at
                    .as_ref()
                    .map(|range| range.condition(Column::CreatedAt)),
            )
            .add_option(
                self.updated_at
                    .as_ref()
                    .map(|range| range.condition(Column::UpdatedAt)),
            )
            .add_option(
                self.lead_time
                    .as_ref()
                    .map(|range| range.condition(Column::LeadTime)),
            )
            .add_option(
                self.import_id
                    .as_ref()
                    .map(|ids| ids.condition(Column::ImportId)),
            )
    }
}

/// Matches people by id, but only those whom the actor sees: a count must not tell of others.
fn of_seen(actor: &Actor, ids: &IdFilter, column: Column) -> Condition {
    let condition = ids.condition(column);
    if actor.is_admin() {
        return condition;
    }
    let seen = access::visible_users(actor)
        .select_only()
        .column(user::Column::Id)
        .into_query();
    condition.add(column.in_subquery(seen))
}

/// What a list asks for besides its page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub filter: Filter,
    pub order: Ordering,
    /// Whether the rows carry `result`; without it they hold an empty text there.
    pub with_result: bool,
}

impl Query {
    fn select(&self, actor: &Actor) -> Select<annotation::Entity> {
        let select = access::visible_annotations(actor).filter(self.filter.condition(actor));
        if self.with_result {
            return select;
        }
        select
            .select_only()
            .columns(Column::iter().filter(|column| !matches!(column, Column::Result)))
            .expr_as(Expr::val(""), Column::Result)
    }

    fn columns(&self) -> Columns<Column> {
        Columns {
            key: match self.order.key {
                OrderKey::Id => None,
                OrderKey::CreatedAt => Some(Column::CreatedAt),
                OrderKey::UpdatedAt => Some(Column::UpdatedAt),
            },
            id: Column::Id,
            descending: self.order.descending,
        }
    }
}

/// The list whose rows hang on a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parent {
    Task,
    Project,
}

impl Parent {
    fn column(self) -> Column {
        match self {
            Self::Task => Column::TaskId,
            Self::Project => Column::ProjectId,
        }
    }
}

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

pub async fn list(
    app: &App,
    actor: &Actor,
    query: &Query,
    page: &Page,
) -> Result<Slice<annotation::Model>> {
    page.fetch(app.db.reader(), query.select(actor), query.columns())
        .await
}

pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(access::visible_annotations(actor)
        .filter(filter.condition(actor))
        .select_only()
        .column(Column::Id)
        .count(app.db.reader())
        .await?)
}

/// The same page of the annotations of several tasks or projects.
pub async fn list_per_parent(
    app: &App,
    actor: &Actor,
    parent: Parent,
    ids: &[i64],
    query: &Query,
    page: &Page,
) -> Result<HashMap<i64, Slice<annotation::Model>>> {
    page.fetch_per_parent(
        app.db.reader(),
        &query.select(actor),
        query.columns(),
        parent.column(),
        ids,
    )
    .await
}

/// How many annotations match, for each of several tasks or projects.
pub async fn count_per_parent(
    app: &App,
    actor: &Actor,
    parent: Parent,
    ids: &[i64],
    filter: &Filter,
) -> Result<HashMap<i64, i64>> {
    let counts: Vec<(i64, i64)> = access::visible_annotations(actor)
        .filter(filter.condition(actor))
        .filter(parent.column().is_in(ids.iter().copied()))
        .select_only()
        .column(parent.column())
        .column_as(Column::Id.count(), "count")
        .group_by(parent.column())
        .into_tuple()
        .all(app.db.reader())
        .await?;
    Ok(counts.into_iter().collect())
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
