//! Drafts: unfinished annotations, private to their authors (`docs/decisions/0012-drafts-and-reviews.md`).
//!
//! Each user saves to a single draft per task, and to a single draft per annotation. Imported drafts exist besides
//! these, and saves leave imported drafts untouched.

mod convert;
mod discard;
mod new_draft;
mod replaced;
mod save;
mod submit;

use std::{collections::HashMap, sync::Arc};

use entity::{
    annotation_draft::{self, Column},
    task,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
    Select,
};
use serde::Serialize;

pub(in crate::domain) use self::new_draft::NewDraft;
pub use self::{
    convert::convert,
    discard::discard,
    replaced::{replaced_of, sweep as sweep_replaced},
    save::{Content, save},
    submit::{Submission, submit},
};
use super::{
    access::{self, Actor},
    filter::{DateTimeRange, IdFilter},
    large::{Large, Reading},
    page::{Columns, Key, Page, PageRows},
};
use crate::{app::App, db::is_any, error::Result};

/// Filter of a list of drafts; each condition that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    pub id: Option<IdFilter>,
    pub task_id: Option<IdFilter>,
    pub annotation_id: Option<IdFilter>,
    pub project_id: Option<IdFilter>,
    /// Drafts of annotations, or drafts of new annotations.
    pub has_annotation: Option<bool>,
    pub updated_at: Option<DateTimeRange>,
}

impl Filter {
    fn condition(&self) -> Condition {
        // A draft has no project of its own: the filter goes through its task.
        let of_projects = |ids: &IdFilter| {
            let tasks = task::Entity::find()
                .select_only()
                .column(task::Column::Id)
                .filter(ids.condition(task::Column::ProjectId))
                .into_query();
            Column::TaskId.in_subquery(tasks)
        };
        let of_annotations = |has: bool| match has {
            true => Column::AnnotationId.is_not_null(),
            false => Column::AnnotationId.is_null(),
        };
        let of = |ids: &Option<IdFilter>, column| ids.as_ref().map(|ids| ids.condition(column));
        Condition::all()
            .add_option(of(&self.id, Column::Id))
            .add_option(of(&self.task_id, Column::TaskId))
            .add_option(of(&self.annotation_id, Column::AnnotationId))
            .add_option(self.project_id.as_ref().map(of_projects))
            .add_option(self.has_annotation.map(of_annotations))
            .add_option(
                self.updated_at
                    .as_ref()
                    .map(|range| range.condition(Column::UpdatedAt)),
            )
    }

    fn own(&self, actor: &Actor) -> Select<annotation_draft::Entity> {
        access::visible_drafts(actor)
            .filter(Column::UserId.eq(actor.id()))
            .filter(self.condition())
    }
}

impl Large for annotation_draft::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Result];
    const UNTOLD: &'static [Column] = &[Column::Extra];
}

/// Reads visible drafts by id, for an answer that holds their results `times` times. With zero times the results stay
/// empty.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<annotation_draft::Model>>> {
    let visible = access::visible_drafts(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()));
    reading.few(named, ids.len(), |row| row.id).await
}

/// Lists the actor's own drafts.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    page: &Page,
    times: u64,
) -> Result<PageRows<annotation_draft::Model>> {
    let columns = Columns {
        key: Key::Id,
        id: Column::Id,
        descending: false,
    };
    let reading = Reading::new(app, access::visible_drafts(actor), times);
    page.fetch(&reading, filter.own(actor), columns).await
}

/// Counts the actor's own drafts.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    let ids = filter.own(actor).select_only().column(Column::Id);
    Ok(ids.count(app.db.counter()).await?)
}

/// Reads the visible drafts of several tasks, oldest first, including drafts of annotations.
pub async fn of_tasks(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<Vec<Arc<annotation_draft::Model>>>>> {
    let parent: Parent = (Column::TaskId, |row| Some(row.task_id));
    grouped(app, actor, parent, task_ids, times).await
}

/// Reads the visible drafts of several annotations, oldest first.
pub async fn of_annotations(
    app: &App,
    actor: &Actor,
    annotation_ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<Vec<Arc<annotation_draft::Model>>>>> {
    let parent: Parent = (Column::AnnotationId, |row| row.annotation_id);
    grouped(app, actor, parent, annotation_ids, times).await
}

/// Column that refers to the parent, and its value in a row.
type Parent = (Column, fn(&annotation_draft::Model) -> Option<i64>);

async fn grouped(
    app: &App,
    actor: &Actor,
    (column, parent): Parent,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<Vec<Arc<annotation_draft::Model>>>>> {
    let visible = access::visible_drafts(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let of_parents = visible.filter(is_any(app.db.backend(), column, ids.iter().copied()));
    reading.by_parent(of_parents, ids, parent).await
}
