//! Lists of annotations: orders and reads.

use std::collections::HashMap;

use entity::annotation::{self, Column};
use sea_orm::{
    ColumnTrait, DbBackend, PaginatorTrait, QueryFilter, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use serde::Serialize;

use super::{
    filter::{Filter, Leaves},
    index::{self, TermLookup},
};
use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        large::Reading,
        merged::{self, Need},
        page::{Columns, Key, Ordering, Page, PageRows},
        task,
    },
    error::Result,
};

/// Maximum number of walks through the index of terms that a page is merged from: a walk per term and project. Beyond,
/// the matches are read: the time to plan a statement grows with its walks.
const MAX_WALKS: usize = 200;
/// Maximum number of walks per project.
const MAX_WALKS_OF_PROJECT: usize = 20;

/// Sort key of annotations; equal keys are ordered by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderKey {
    #[default]
    Id,
    CreatedAt,
    UpdatedAt,
    /// Absent lead times sort before all numbers.
    LeadTime,
}

/// Selection of a list besides the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub filter: Filter,
    pub order: Ordering<OrderKey>,
    /// Number of times that the answer holds a row's `result`; with zero the rows come without.
    pub results: u64,
}

impl Query {
    fn reading<'a>(&self, app: &'a App, actor: &Actor) -> Reading<'a, annotation::Entity> {
        Reading::new(app, access::visible_annotations(actor), self.results)
    }

    fn listed(&self, slice: PageRows<annotation::Model>) -> PageRows<annotation::Listed> {
        slice.map(|row| row.listed(self.results > 0))
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

/// Parent of a list.
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

fn matching(actor: &Actor, filter: &Filter, lookup: TermLookup) -> Select<annotation::Entity> {
    // A selective condition leaves few annotations, for which a look-up per annotation is cheapest.
    let lookup = match filter.leaves.are_selective() {
        true => TermLookup::PerAnnotation,
        false => lookup,
    };
    access::visible_annotations(actor).filter(filter.condition(&|leaves: &Leaves, is_needed| {
        leaves.condition(
            actor,
            // Only a condition that each row has to meet may drive the search; below `or` and `not` the look-up is
            // per annotation.
            if is_needed {
                lookup
            } else {
                TermLookup::PerAnnotation
            },
        )
    }))
}

/// Selects the rows of a page of a project's list, or all rows of the list where no index of terms is walked. The
/// caller adds the condition on the project.
fn of_project(
    backend: DbBackend,
    actor: &Actor,
    query: &Query,
    page: &Page,
    id: i64,
    most_walks: usize,
) -> Select<annotation::Entity> {
    match walk(backend, actor, query, page, id, most_walks) {
        Some(ids) => access::visible_annotations(actor).filter(Column::Id.in_subquery(ids)),
        None => matching(actor, &query.filter, TermLookup::Project(id)),
    }
}

/// Selects the ids of a page of a project's list by [`index::walk`], or `None` unless the list is in the order of ids
/// and has to meet a term, without a leaf that an index may serve better. An actor sees all annotations of a
/// project or none, so that the walk needs no check of visibility.
fn walk(
    backend: DbBackend,
    actor: &Actor,
    query: &Query,
    page: &Page,
    project_id: i64,
    most_walks: usize,
) -> Option<SelectStatement> {
    let needed = query.filter.needed();
    let competes = |leaves: &&Leaves| leaves.are_selective() || leaves.compete_with_terms(backend);
    if query.order.key != OrderKey::Id || needed.iter().any(competes) {
        return None;
    }
    let of_unknown_rarity: usize = needed
        .iter()
        .map(|leaves| leaves.labels_and_answers())
        .sum();
    // The statistics of PostgreSQL tell which of several labels and answers is the rarest.
    if of_unknown_rarity > 1 && backend != DbBackend::Sqlite {
        return None;
    }
    let sets: Vec<_> = needed
        .iter()
        .flat_map(|leaves| leaves.term_sets())
        .collect();
    let rest = query.filter.condition(&|leaves: &Leaves, is_needed| {
        leaves.condition(
            actor,
            if is_needed {
                TermLookup::Walked
            } else {
                TermLookup::PerAnnotation
            },
        )
    });
    let descending = query.order.descending;
    let most_walks = most_walks.min(MAX_WALKS_OF_PROJECT);
    index::walk(
        &sets,
        &Expr::value(project_id),
        &rest,
        page,
        descending,
        most_walks,
    )
}

/// Lists annotations. A list over several projects is merged project by project, since an index holds each project in
/// order.
pub async fn list(
    app: &App,
    actor: &Actor,
    query: &Query,
    page: &Page,
) -> Result<PageRows<annotation::Listed>> {
    let (reading, columns) = (query.reading(app, actor), query.columns());
    if let Some(projects) = projects_to_merge(app, actor, query).await? {
        let backend = app.db.backend();
        let most_walks = MAX_WALKS / projects.len().max(1);
        let part = |id| {
            of_project(backend, actor, query, page, id, most_walks).filter(Column::ProjectId.eq(id))
        };
        let slice = page.fetch_merged(&reading, part, columns, &projects);
        if let Some(slice) = slice.await? {
            return Ok(query.listed(slice));
        }
    }
    let all = matching(actor, &query.filter, TermLookup::All);
    Ok(query.listed(page.fetch(&reading, all, columns).await?))
}

/// Finds the projects to merge a list from, or `None` if a read of the whole list is better.
async fn projects_to_merge(app: &App, actor: &Actor, query: &Query) -> Result<Option<Vec<i64>>> {
    let leaves = &query.filter.leaves;
    if leaves.are_selective() {
        return Ok(None);
    }
    let needed = query.filter.needed();
    let need = match query.order.key {
        OrderKey::UpdatedAt => Need::Order,
        _ if needed.iter().any(|leaves| leaves.use_project_index()) => Need::Filter,
        _ => Need::Nothing,
    };
    merged::projects(app, actor, leaves.project_id.as_ref(), need).await
}

/// Counts the matching annotations that the actor sees.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(matching(actor, filter, TermLookup::All)
        .select_only()
        .column(Column::Id)
        .count(app.db.counter())
        .await?)
}

/// Reads the same page of the annotations of several tasks or projects.
pub async fn list_per_parent(
    app: &App,
    actor: &Actor,
    parent: Parent,
    ids: &[i64],
    query: &Query,
    page: &Page,
) -> Result<HashMap<i64, Result<PageRows<annotation::Listed>>>> {
    let column = parent.column();
    let backend = app.db.backend();
    let select = |id: Expr| {
        let select = match (parent, ids) {
            (Parent::Project, [id]) => {
                of_project(backend, actor, query, page, *id, MAX_WALKS_OF_PROJECT)
            }
            // Looks up each annotation: SQLite would read a term's annotations in the parent's project anew for every
            // row compared with them.
            _ => matching(actor, &query.filter, TermLookup::PerAnnotation),
        };
        select.filter(ExprTrait::eq(column.into_expr(), id))
    };
    let reading = query.reading(app, actor);
    let slices = page
        .fetch_per_parent(&reading, select, query.columns(), column, ids)
        .await?;
    let slices = slices.into_iter();
    Ok(slices
        .map(|(id, slice)| (id, slice.map(|slice| query.listed(slice))))
        .collect())
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
    // A look-up per annotation would repeat for each annotation of all these projects.
    let lookup = match (parent, ids) {
        (Parent::Project, [id]) => TermLookup::Project(*id),
        (Parent::Project, _) => TermLookup::All,
        (Parent::Task, _) => TermLookup::PerAnnotation,
    };
    let counts: Vec<(i64, i64)> = matching(actor, filter, lookup)
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
