//! Tasks: data to annotate, with counters over the annotations.

mod counters;
mod delete;
mod list;
mod lock;
mod recompute_is_labeled;
mod update;

use std::collections::HashMap;

use entity::task::{self, Column};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;

pub(super) use self::counters::{TouchedTask, annotation_counts, touch};
use super::{
    access::{self, Actor},
    bulk,
    filter::{self, DateTimeRange, IdFilter, IntRange, Tree, of_seen},
    large::{Large, Reading},
    page::{Columns, Key, OrderKey, Ordering, Page, PageRows},
};
use crate::{
    app::App,
    db::is_any,
    error::{Error, Problem, ProblemCode, Result, Segment},
    instant,
};

pub use self::{
    delete::{Deleted, delete},
    list::list,
    update::{Change, update},
};
pub(super) use self::{
    lock::{data, is_text, lock, lock_all, visible_id, visible_ids},
    recompute_is_labeled::recompute_is_labeled,
};

/// Maximum number of tasks created by a request.
pub const MAX_AT_ONCE: usize = 1_000;

/// Filter of a list of tasks.
pub type Filter = Tree<Leaves>;

/// Conditions on a task; each condition that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaves {
    pub id: Option<IdFilter>,
    pub project_id: Option<IdFilter>,
    pub is_labeled: Option<bool>,
    pub created_at: Option<DateTimeRange>,
    pub updated_at: Option<DateTimeRange>,
    pub updated_by_id: Option<IdFilter>,
    pub import_id: Option<IdFilter>,
    pub overlap: Option<IntRange>,
    pub total_annotations: Option<IntRange>,
    pub cancelled_annotations: Option<IntRange>,
    pub total_predictions: Option<IntRange>,
    pub version: Option<IntRange>,
}

impl filter::Leaves for Leaves {
    fn values(&self) -> usize {
        let ids = [
            &self.id,
            &self.project_id,
            &self.updated_by_id,
            &self.import_id,
        ];
        let instants = [&self.created_at, &self.updated_at];
        let ids = ids.into_iter().flatten().map(IdFilter::values);
        let instants = instants.into_iter().flatten().map(DateTimeRange::values);
        let numbers = self.numbers().into_iter();
        let numbers = numbers.filter_map(|(range, _)| range.as_ref().map(IntRange::values));
        ids.chain(instants).chain(numbers).sum()
    }
}

impl Large for task::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Data, Column::Meta];
    const UNTOLD: &'static [Column] = &[Column::Extra];
}

fn matching(actor: &Actor, filter: &Filter) -> Select<task::Entity> {
    let condition = filter.condition(&|leaves: &Leaves, _| leaves.condition(actor));
    access::visible_tasks(actor).filter(condition)
}

impl Leaves {
    fn numbers(&self) -> [(&Option<IntRange>, Column); 5] {
        [
            (&self.overlap, Column::Overlap),
            (&self.total_annotations, Column::TotalAnnotations),
            (&self.cancelled_annotations, Column::CancelledAnnotations),
            (&self.total_predictions, Column::TotalPredictions),
            (&self.version, Column::Version),
        ]
    }

    fn condition(&self, actor: &Actor) -> Condition {
        let id =
            |ids: &Option<IdFilter>, column: Column| ids.as_ref().map(|ids| ids.condition(column));
        let instant = |range: &Option<DateTimeRange>, column: Column| {
            range.as_ref().map(|range| range.condition(column))
        };
        let person = self.updated_by_id.as_ref();
        let all = Condition::all()
            .add_option(id(&self.id, Column::Id))
            .add_option(id(&self.project_id, Column::ProjectId))
            .add_option(self.is_labeled.map(|is| Column::IsLabeled.eq(is)))
            .add_option(instant(&self.created_at, Column::CreatedAt))
            .add_option(instant(&self.updated_at, Column::UpdatedAt))
            .add_option(person.map(|ids| of_seen(actor, ids, Column::UpdatedById)))
            .add_option(id(&self.import_id, Column::ImportId));
        let numbers = self.numbers().into_iter();
        numbers.fold(all, |all, (range, column)| {
            all.add_option(range.as_ref().map(|range| range.condition(column)))
        })
    }
}

/// Selection of a list besides the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub filter: Filter,
    pub order: Ordering,
    /// Number of times that the answer holds a row's `data` and `meta`; with zero these texts stay empty.
    pub data: u64,
}

impl Query {
    fn reading<'a>(&self, app: &'a App, actor: &Actor) -> Reading<'a, task::Entity> {
        Reading::new(app, access::visible_tasks(actor), self.data)
    }

    fn columns(&self) -> Columns<Column> {
        Columns {
            key: match self.order.key {
                OrderKey::Id => Key::Id,
                OrderKey::CreatedAt => Key::Instant(Column::CreatedAt),
                OrderKey::UpdatedAt => Key::Instant(Column::UpdatedAt),
            },
            id: Column::Id,
            descending: self.order.descending,
        }
    }
}

/// Values of a new task.
#[derive(Debug)]
pub struct New {
    /// JSON object as text.
    pub data: String,
    /// JSON object as text.
    pub meta: Option<String>,
    /// Number of distinct authors that the task requires.
    pub overlap: i32,
}

/// Reads visible tasks by id.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<task::Model>>> {
    let visible = access::visible_tasks(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()));
    reading.few(named, ids.len(), |row| row.id).await
}

/// Counts the matching tasks that the actor sees.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(matching(actor, filter)
        .select_only()
        .column(Column::Id)
        .count(app.db.counter())
        .await?)
}

/// Reads the same page of the tasks of several projects.
pub async fn list_per_project(
    app: &App,
    actor: &Actor,
    project_ids: &[i64],
    query: &Query,
    page: &Page,
) -> Result<HashMap<i64, Result<PageRows<task::Model>>>> {
    page.fetch_per_parent(
        &query.reading(app, actor),
        |id: Expr| {
            matching(actor, &query.filter).filter(ExprTrait::eq(Column::ProjectId.into_expr(), id))
        },
        query.columns(),
        Column::ProjectId,
        project_ids,
    )
    .await
}

/// Counts the matching tasks of several projects.
pub async fn count_per_project(
    app: &App,
    actor: &Actor,
    project_ids: &[i64],
    filter: &Filter,
) -> Result<HashMap<i64, i64>> {
    let counts: Vec<(i64, i64)> = matching(actor, filter)
        .filter(is_any(
            app.db.backend(),
            Column::ProjectId,
            project_ids.iter().copied(),
        ))
        .select_only()
        .column(Column::ProjectId)
        .column_as(Column::Id.count(), "count")
        .group_by(Column::ProjectId)
        .into_tuple()
        .all(app.db.counter())
        .await?;
    Ok(counts.into_iter().collect())
}

/// Creates tasks in a project, all or none. Returns the rows in the order of the input.
pub async fn create(
    app: &App,
    actor: &Actor,
    project_id: i64,
    new: Vec<New>,
) -> Result<Vec<task::Model>> {
    check_input(&new)?;
    let txn = app.db.begin().await?;
    // `is_visible` locks the project against deletion, hence runs before the role is read.
    let role = match super::project::is_visible(&txn, actor, project_id).await? {
        true => access::role_in(&txn, actor, project_id).await?,
        false => None,
    };
    let role = role.ok_or(Error::NotFound("project"))?;
    access::require(access::may_manage(role), "tasks are created by managers")?;
    let at = instant::now();
    // Reserves the ids: a multi-row insert returns ids in no promised order, while the answer keeps the order of the
    // input.
    let mut ids = bulk::reserve(&txn, "task", new.len()).await?;
    let rows: Vec<task::Model> = new
        .into_iter()
        .map(|new| task::Model {
            id: ids.take(),
            project_id,
            data: new.data,
            meta: new.meta,
            overlap: new.overlap,
            is_labeled: false,
            total_annotations: 0,
            cancelled_annotations: 0,
            total_predictions: 0,
            created_at: at,
            updated_at: at,
            updated_by_id: Some(actor.id()),
            import_id: None,
            import_job_id: None,
            extra: None,
            version: 1,
        })
        .collect();
    let inserted = rows.iter().cloned();
    let inserted = inserted.map(|row| row.into_active_model().reset_all());
    bulk::insert(&txn, inserted.collect()).await?;
    txn.commit().await?;
    Ok(rows)
}

fn check_input(new: &[New]) -> Result<()> {
    // Checks all tasks before the first write, and reports all problems at once.
    let mut problems = Vec::new();
    if new.len() > MAX_AT_ONCE {
        problems.push(Problem::new(
            ["tasks"],
            ProblemCode::TooLong,
            format!("one call creates at most {MAX_AT_ONCE} tasks"),
        ));
    }
    for (index, new) in new.iter().enumerate() {
        let at = |field: &str| -> [Segment; 3] { ["tasks".into(), index.into(), field.into()] };
        problems.extend(
            json_fidelity::check_object(&new.data, &at("data"))
                .err()
                .unwrap_or_default(),
        );
        if let Some(meta) = &new.meta {
            problems.extend(
                json_fidelity::check_object(meta, &at("meta"))
                    .err()
                    .unwrap_or_default(),
            );
        }
        problems.extend(check_overlap(new.overlap, &at("overlap")));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

fn check_overlap(overlap: i32, at: &[Segment]) -> Option<Problem> {
    let message = "at least one person annotates a task";
    (overlap < 1).then(|| Problem::new(at.iter().cloned(), ProblemCode::OutOfBounds, message))
}
