//! Predictions: results that models proposed for tasks.

mod write;

use std::{collections::HashMap, sync::Arc};

use entity::prediction::{self, Column};
use sea_orm::QueryFilter;

use super::{
    access::{self, Actor},
    large::{Large, Reading},
};
use crate::{app::App, db::is_any, error::Result};

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
) -> Result<HashMap<i64, Result<prediction::Model>>> {
    let visible = access::visible_predictions(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()));
    reading.few(named, ids.len(), |row| row.id).await
}

/// Reads the visible predictions of several tasks, oldest first.
pub async fn of_tasks(
    app: &App,
    actor: &Actor,
    task_ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<Vec<Arc<prediction::Model>>>>> {
    let visible = access::visible_predictions(actor);
    // Charges by row before loading: a task can have any number of predictions.
    let reading = Reading::new(app, visible.clone(), times);
    let of_tasks = visible.filter(is_any(
        app.db.backend(),
        Column::TaskId,
        task_ids.iter().copied(),
    ));
    let task = |row: &prediction::Model| Some(row.task_id);
    reading.by_parent(of_tasks, task_ids, task).await
}
