//! Lists of annotations: their filters and orders, and how they are read.

use std::collections::HashMap;

use entity::{
    annotation::{self, Action, Column},
    project, user,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Iterable, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};

use super::index::{self, Reach};
use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        filter::{self, DateTimeRange, EnumFilter, FloatRange, IdFilter, IntRange, Tree},
        page::{Columns, Key, Ordering, Page, Slice, or_less},
        task,
    },
    error::Result,
    labelstudio::region::Kind,
};

/// The most projects that a page is put together from. It is beyond that a matter of the database, which
/// then may have to sort.
const MAX_PARTS: usize = 100;

/// Which annotations a list holds.
pub type Filter = Tree<Leaves>;

/// What a filter of annotations says by itself; every part that is given has to match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leaves {
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
    /// Some label of some region.
    pub has_label: Option<EnumFilter<String>>,
    /// The kind of some region.
    pub has_region_type: Option<EnumFilter<Kind>>,
    pub region_count: Option<IntRange>,
}

impl filter::Leaves for Leaves {
    fn values(&self) -> usize {
        let ids = [
            &self.id,
            &self.task_id,
            &self.project_id,
            &self.completed_by_id,
            &self.updated_by_id,
            &self.import_id,
        ];
        let ranges = [&self.created_at, &self.updated_at];
        ids.into_iter()
            .flatten()
            .map(IdFilter::values)
            .sum::<usize>()
            + ranges
                .into_iter()
                .flatten()
                .map(DateTimeRange::values)
                .sum::<usize>()
            + self.unique_id.as_ref().map_or(0, EnumFilter::values)
            + self.last_action.as_ref().map_or(0, EnumFilter::values)
            + self.lead_time.as_ref().map_or(0, FloatRange::values)
            + self.has_label.as_ref().map_or(0, EnumFilter::values)
            + self.has_region_type.as_ref().map_or(0, EnumFilter::values)
            + self.region_count.as_ref().map_or(0, IntRange::values)
    }
}

impl Leaves {
    fn condition(&self, actor: &Actor, reach: Reach) -> Condition {
        let id =
            |ids: &Option<IdFilter>, column: Column| ids.as_ref().map(|ids| ids.condition(column));
        let person = |ids: &Option<IdFilter>, column: Column| {
            ids.as_ref().map(|ids| of_seen(actor, ids, column))
        };
        let instant = |range: &Option<DateTimeRange>, column: Column| {
            range.as_ref().map(|range| range.condition(column))
        };
        let flag = |is: Option<bool>, column: Column| is.map(|is| is_set(column, is));
        Condition::all()
            .add_option(id(&self.id, Column::Id))
            .add_option(
                self.unique_id
                    .as_ref()
                    .map(|ids| ids.condition(Column::UniqueId)),
            )
            .add_option(id(&self.task_id, Column::TaskId))
            .add_option(id(&self.project_id, Column::ProjectId))
            .add_option(person(&self.completed_by_id, Column::CompletedById))
            .add_option(person(&self.updated_by_id, Column::UpdatedById))
            .add_option(flag(self.was_cancelled, Column::WasCancelled))
            .add_option(flag(self.ground_truth, Column::GroundTruth))
            .add_option(
                self.last_action
                    .as_ref()
                    .map(|actions| actions.condition(Column::LastAction)),
            )
            .add_option(instant(&self.created_at, Column::CreatedAt))
            .add_option(instant(&self.updated_at, Column::UpdatedAt))
            .add_option(self.lead_time.as_ref().map(lasted))
            .add_option(id(&self.import_id, Column::ImportId))
            .add_option(
                self.has_label
                    .as_ref()
                    .and_then(|labels| index::has_label(labels, reach)),
            )
            .add_option(
                self.has_region_type
                    .as_ref()
                    .and_then(|kinds| index::has_kind(kinds, reach)),
            )
            .add_option(
                self.region_count
                    .as_ref()
                    .map(|range| range.condition(Column::RegionCount)),
            )
    }

    /// Whether an index of their own leads to few annotations, wherever these are.
    fn lead_to_few(&self) -> bool {
        self.unique_id.is_some()
            || [
                &self.id,
                &self.task_id,
                &self.completed_by_id,
                &self.updated_by_id,
                &self.import_id,
            ]
            .into_iter()
            .any(Option::is_some)
    }

    /// Whether one of them has an index, but one that begins with the project.
    fn lie_below_projects(&self) -> bool {
        self.was_cancelled == Some(true)
            || self.ground_truth == Some(true)
            || self.last_action.is_some()
            || self.lead_time.is_some()
            || self.region_count.is_some()
            || self.has_label.is_some()
            || self.has_region_type.is_some()
    }
}

/// Without a parameter, so that the index of those that are set is of use.
fn is_set(column: Column, is: bool) -> Expr {
    let set = Expr::col(column.as_column_ref());
    if is { set } else { set.not() }
}

/// As the index of lead times has it.
fn lasted(range: &FloatRange) -> Condition {
    let seconds = or_less(Column::LeadTime);
    let within = range.holds_of(&seconds);
    match range.values() {
        0 => within,
        _ => within.add(seconds.gte(0)),
    }
}

/// Matches people by id, but only those whom the actor sees: a count must not tell of others. To the
/// opposite, too, others are nobody: whatever it is compared with, their id is none that there is.
fn of_seen(actor: &Actor, ids: &IdFilter, column: Column) -> Condition {
    let condition = ids.condition(column);
    if actor.is_admin() || ids.values() == 0 {
        return condition;
    }
    let seen = access::visible_users(actor)
        .select_only()
        .column(user::Column::Id)
        .into_query();
    condition.add(column.in_subquery(seen))
}

/// What annotations are ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OrderKey {
    #[default]
    Id,
    CreatedAt,
    UpdatedAt,
    /// Those without one are less than all others.
    LeadTime,
}

/// What a list asks for besides its page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub filter: Filter,
    pub order: Ordering<OrderKey>,
    /// Whether the rows carry `result`; without it they hold an empty text there.
    pub with_result: bool,
}

impl Query {
    fn select(&self, actor: &Actor, reach: Reach) -> Select<annotation::Entity> {
        self.rows(matching(actor, &self.filter, reach))
    }

    fn rows(&self, select: Select<annotation::Entity>) -> Select<annotation::Entity> {
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
                OrderKey::Id => Key::Id,
                OrderKey::CreatedAt => Key::Instant(Column::CreatedAt),
                OrderKey::UpdatedAt => Key::Instant(Column::UpdatedAt),
                OrderKey::LeadTime => Key::Number(Column::LeadTime),
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

    fn reach(self, id: i64) -> Reach {
        match self {
            Self::Task => Reach::Few,
            Self::Project => Reach::Project(id),
        }
    }
}

fn matching(actor: &Actor, filter: &Filter, reach: Reach) -> Select<annotation::Entity> {
    let reach = match filter.leaves.lead_to_few() {
        true => Reach::Few,
        false => reach,
    };
    access::visible_annotations(actor).filter(filter.condition(&|leaves: &Leaves, is_needed| {
        leaves.condition(actor, if is_needed { reach } else { Reach::Few })
    }))
}

/// Whatever may lie in several projects is read project by project, for an index has each of them in order.
pub async fn list(
    app: &App,
    actor: &Actor,
    query: &Query,
    page: &Page,
) -> Result<Slice<annotation::Model>> {
    let (db, columns) = (app.db.reader(), query.columns());
    if let Some(projects) = parts(app, actor, query).await? {
        let part = |id| {
            matching(actor, &query.filter, Reach::Project(id)).filter(Column::ProjectId.eq(id))
        };
        let whole = query.rows(annotation::Entity::find());
        let slice = page.fetch_across(db, part, whole, columns, &projects);
        if let Some(slice) = slice.await? {
            return Ok(slice);
        }
    }
    page.fetch(db, query.select(actor, Reach::All), columns)
        .await
}

/// The projects to read a list from, where that is better than to read it as a whole.
async fn parts(app: &App, actor: &Actor, query: &Query) -> Result<Option<Vec<i64>>> {
    let leaves = &query.filter.leaves;
    if leaves.lead_to_few() {
        return Ok(None);
    }
    let lies_below_projects = leaves.lie_below_projects() || query.order.key == OrderKey::LeadTime;
    let named = leaves.project_id.as_ref().and_then(IdFilter::ids);
    let mut projects: Vec<i64> = match named {
        Some(projects) => projects,
        None if actor.is_admin() && !lies_below_projects => return Ok(None),
        None => {
            access::visible_projects(actor)
                .select_only()
                .column(project::Column::Id)
                .order_by_asc(project::Column::Id)
                .limit(MAX_PARTS as u64 + 1)
                .into_tuple()
                .all(app.db.reader())
                .await?
        }
    };
    projects.sort_unstable();
    projects.dedup();
    Ok((projects.len() <= MAX_PARTS).then_some(projects))
}

pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(matching(actor, filter, Reach::All)
        .select_only()
        .column(Column::Id)
        .count(app.db.counter())
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
    let column = parent.column();
    let select = |id| {
        let select = query.select(actor, parent.reach(id));
        select.filter(column.eq(id))
    };
    page.fetch_per_parent(app.db.reader(), select, query.columns(), column, ids)
        .await
}

/// Counts matching annotations for each of several tasks or projects. Without a filter, the counters of tasks answer.
pub async fn count_per_parent(
    app: &App,
    actor: &Actor,
    parent: Parent,
    ids: &[i64],
    filter: &Filter,
) -> Result<HashMap<i64, i64>> {
    if parent == Parent::Task && *filter == Filter::default() {
        return task::annotation_counts(app, actor, ids).await;
    }
    let reach = match (parent, ids) {
        (Parent::Project, [id]) => Reach::Project(*id),
        (Parent::Project, _) => Reach::All,
        (Parent::Task, _) => Reach::Few,
    };
    let counts: Vec<(i64, i64)> = matching(actor, filter, reach)
        .filter(parent.column().is_in(ids.iter().copied()))
        .select_only()
        .column(parent.column())
        .column_as(Column::Id.count(), "count")
        .group_by(parent.column())
        .into_tuple()
        .all(app.db.counter())
        .await?;
    Ok(counts.into_iter().collect())
}
