//! Lost races: what a client is told whose annotation moved on.

use entity::annotation;
use sea_orm::{ActiveEnum, ConnectionTrait};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    db,
    domain::history,
    error::{Conflict, Error, Result},
};

/// Refuses when the annotation moved on since the caller saw it. `sent` names the fields of the change.
pub async fn check_version(
    txn: &impl ConnectionTrait,
    row: &annotation::Model,
    expected: Option<i32>,
    sent: &[&str],
) -> Result<()> {
    let Some(expected_version) = expected.filter(|version| *version != row.version) else {
        return Ok(());
    };
    let mut clashing_fields = history::changed_since(txn, row.id, expected_version).await?;
    clashing_fields.retain(|field| sent.contains(&field.as_str()));
    Err(Error::Conflict(Box::new(Conflict {
        expected_version,
        current_version: row.version,
        clashing_fields,
        current: snapshot(row)?,
    })))
}

/// The annotation's own fields as JSON, references by id: what a client needs to decide about a conflict.
fn snapshot(row: &annotation::Model) -> Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Snapshot<'a> {
        id: String,
        version: i32,
        task_id: String,
        project_id: String,
        result: &'a RawValue,
        completed_by_id: Option<String>,
        updated_by_id: Option<String>,
        was_cancelled: bool,
        ground_truth: bool,
        lead_time: Option<f64>,
        last_action: Option<String>,
        updated_at: String,
    }
    let id = |id: i64| id.to_string();
    Ok(serde_json::to_string(&Snapshot {
        id: id(row.id),
        version: row.version,
        task_id: id(row.task_id),
        project_id: id(row.project_id),
        result: serde_json::from_str(&row.result)?,
        completed_by_id: row.completed_by_id.map(id),
        updated_by_id: row.updated_by_id.map(id),
        was_cancelled: row.was_cancelled,
        ground_truth: row.ground_truth,
        lead_time: row.lead_time,
        last_action: row
            .last_action
            .map(|action| action.to_value().to_uppercase()),
        updated_at: db::print_instant(row.updated_at),
    })?)
}
