//! Predictions: what models proposed for tasks.

mod write;

use std::collections::HashMap;

use entity::prediction::{self, Column};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::access::{self, Actor};
use crate::{app::App, error::Result};

pub use self::write::{Change, New, create, delete, update};

/// Predictions by id, those that the actor sees.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashMap<i64, prediction::Model>> {
    let rows = access::visible_predictions(actor)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(app.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The predictions of several tasks, oldest first.
pub async fn of_tasks(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
) -> Result<HashMap<i64, Vec<prediction::Model>>> {
    let rows = access::visible_predictions(actor)
        .filter(Column::TaskId.is_in(task_ids.iter().copied()))
        .order_by_asc(Column::Id)
        .all(app.db.reader())
        .await?;
    let mut by_task: HashMap<i64, Vec<_>> = task_ids.iter().map(|id| (*id, vec![])).collect();
    for row in rows {
        by_task.entry(row.task_id).or_default().push(row);
    }
    Ok(by_task)
}
