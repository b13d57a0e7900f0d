//! Predictions: results that models proposed for tasks.

mod write;

use std::{collections::HashMap, sync::Arc};

use entity::prediction::{self, Column};
use sea_orm::{ColumnTrait, QueryFilter};

use super::{
    access::{self, Actor},
    large::{Large, Reading},
};
use crate::{app::App, error::Result};

pub use self::write::{Change, New, create, delete, update};

impl Large for prediction::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Result];
    const UNTOLD: &'static [Column] = &[Column::Extra];
}

/// Reads visible predictions by id, for an answer that holds their results `times` times. With zero times the results
/// stay empty.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, prediction::Model>> {
    let visible = access::visible_predictions(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(Column::Id.is_in(ids.iter().copied()));
    let rows = reading.few(named, ids.len()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Reads the visible predictions of several tasks, oldest first.
pub async fn of_tasks(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Vec<Arc<prediction::Model>>>> {
    let visible = access::visible_predictions(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let of_tasks = visible.filter(Column::TaskId.is_in(task_ids.iter().copied()));
    let rows = reading.all(of_tasks).await?;
    let mut by_task: HashMap<i64, Vec<_>> = task_ids.iter().map(|id| (*id, vec![])).collect();
    for row in rows {
        by_task.entry(row.task_id).or_default().push(Arc::new(row));
    }
    Ok(by_task)
}
