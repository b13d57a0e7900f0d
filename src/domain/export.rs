//! Writes a project as Label Studio's JSON: a list of tasks with annotations, drafts and predictions, a task per line
//! (<https://labelstud.io/guide/export.html>).
//!
//! An export reproduces the import: imported fields without a column stand where Label Studio writes them, and
//! `result`, `data` and `meta` keep their exact text.

mod writer;

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
};

use entity::{annotation, annotation_draft, prediction, project, task, user};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::{app::App, error::Error};

/// Maximum number of tasks per page.
const MAX_PAGE: u64 = 500;
/// Target size of a page's output in bytes; the number of tasks per page follows.
const PAGE_BYTES: usize = 4 << 20;

/// Counts of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub tasks: usize,
    pub annotations: usize,
}

/// Cause of an aborted export.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("can't write the file: {0}")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Other(error.into())
    }
}

/// Task with annotations, drafts and predictions.
struct Whole {
    task: task::Model,
    annotations: Vec<annotation::Model>,
    drafts: Vec<annotation_draft::Model>,
    predictions: Vec<prediction::Model>,
}

/// Exports a project as of a single moment, tasks in the order of ids. Reports the number of tasks written to
/// `observe` after each page.
pub async fn run(
    app: &App,
    project_id: i64,
    out: &mut impl Write,
    mut observe: impl FnMut(usize),
) -> Result<Summary, Failure> {
    // A snapshot spans all pages: changes during the export would otherwise tear tasks from their annotations.
    let txn = app.db.reader().snapshot().await?;
    let project = project::Entity::find_by_id(project_id).one(&txn).await?;
    project.ok_or(Error::NotFound("project"))?;
    let mut summary = Summary::default();
    let mut emails = HashMap::new();
    let (mut after, mut limit) = (0, 16);
    let mut text = Vec::new();
    out.write_all(b"[")?;
    loop {
        let page = page(&txn, project_id, after, limit).await?;
        let Some(last) = page.last() else { break };
        after = last.task.id;
        let is_last = (page.len() as u64) < limit;
        add_emails(&txn, &page, &mut emails).await?;
        text.clear();
        for whole in &page {
            let separator: &[u8] = if summary.tasks == 0 { b"\n" } else { b",\n" };
            text.extend_from_slice(separator);
            writer::task(&mut text, whole, &emails)?;
            summary.tasks += 1;
            summary.annotations += whole.annotations.len();
        }
        out.write_all(&text)?;
        observe(summary.tasks);
        if is_last {
            break;
        }
        // Follows the size of the last page, so that memory stays bounded for projects with large results.
        let per_task = text.len() / page.len();
        limit = ((PAGE_BYTES / per_task.max(1)) as u64).clamp(1, MAX_PAGE);
    }
    out.write_all(b"\n]\n")?;
    out.flush()?;
    Ok(summary)
}

/// Reads the next tasks, in a fixed number of statements.
async fn page(
    txn: &DatabaseTransaction,
    project_id: i64,
    after: i64,
    limit: u64,
) -> Result<Vec<Whole>, Error> {
    let tasks = task::Entity::find()
        .filter(task::Column::ProjectId.eq(project_id))
        .filter(task::Column::Id.gt(after))
        .order_by_asc(task::Column::Id)
        .limit(limit)
        .all(txn)
        .await?;
    let ids: Vec<i64> = tasks.iter().map(|task| task.id).collect();
    // Distributes rows by index, so that four statements serve a whole page.
    let places: HashMap<i64, usize> = ids.iter().copied().zip(0..).collect();
    let mut page: Vec<Whole> = tasks.into_iter().map(Whole::of).collect();
    let annotations = annotation::Entity::find()
        .filter(annotation::Column::TaskId.is_in(ids.iter().copied()))
        .order_by_asc(annotation::Column::Id);
    for row in annotations.all(txn).await? {
        page[places[&row.task_id]].annotations.push(row);
    }
    let drafts = annotation_draft::Entity::find()
        .filter(annotation_draft::Column::TaskId.is_in(ids.iter().copied()))
        .order_by_asc(annotation_draft::Column::Id);
    for row in drafts.all(txn).await? {
        page[places[&row.task_id]].drafts.push(row);
    }
    let predictions = prediction::Entity::find()
        .filter(prediction::Column::TaskId.is_in(ids.iter().copied()))
        .order_by_asc(prediction::Column::Id);
    for row in predictions.all(txn).await? {
        page[places[&row.task_id]].predictions.push(row);
    }
    Ok(page)
}

impl Whole {
    fn of(task: task::Model) -> Self {
        Self {
            task,
            annotations: Vec::new(),
            drafts: Vec::new(),
            predictions: Vec::new(),
        }
    }
}

/// Reads the e-mail addresses of the drafts' authors, by which Label Studio's drafts name users.
async fn add_emails(
    txn: &DatabaseTransaction,
    page: &[Whole],
    emails: &mut HashMap<i64, Option<String>>,
) -> Result<(), Error> {
    let users = page
        .iter()
        .flat_map(|whole| &whole.drafts)
        .map(|draft| draft.user_id);
    let unknown: HashSet<i64> = users.filter(|id| !emails.contains_key(id)).collect();
    let found: Vec<(i64, Option<String>)> = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::Email])
        .filter(user::Column::Id.is_in(unknown))
        .into_tuple()
        .all(txn)
        .await?;
    emails.extend(found);
    Ok(())
}
