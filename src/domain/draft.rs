//! Drafts: unfinished annotations, each its author's own.

use std::collections::HashMap;

use entity::annotation_draft::{self, Column};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::access::{self, Actor};
use crate::{app::App, error::Result};

/// The drafts of several tasks that the actor sees, oldest first; those that change an annotation too.
pub async fn of_tasks(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
) -> Result<HashMap<i64, Vec<annotation_draft::Model>>> {
    grouped(app, actor, Column::TaskId, task_ids, |row| {
        Some(row.task_id)
    })
    .await
}

/// The drafts of several annotations that the actor sees, oldest first.
pub async fn of_annotations(
    app: &App,
    actor: &Actor,
    annotation_ids: &[i64],
) -> Result<HashMap<i64, Vec<annotation_draft::Model>>> {
    grouped(app, actor, Column::AnnotationId, annotation_ids, |row| {
        row.annotation_id
    })
    .await
}

async fn grouped(
    app: &App,
    actor: &Actor,
    column: Column,
    ids: &[i64],
    parent: fn(&annotation_draft::Model) -> Option<i64>,
) -> Result<HashMap<i64, Vec<annotation_draft::Model>>> {
    let rows = access::visible_drafts(actor)
        .filter(column.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id)
        .all(app.db.reader())
        .await?;
    let mut by_parent: HashMap<i64, Vec<_>> = ids.iter().map(|id| (*id, vec![])).collect();
    for row in rows {
        if let Some(id) = parent(&row) {
            by_parent.entry(id).or_default().push(row);
        }
    }
    Ok(by_parent)
}
