//! Lost races: what a client is told whose annotation moved on.

use std::collections::HashSet;

use entity::annotation;
use sea_orm::{ActiveEnum, ConnectionTrait};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    db,
    domain::{access::Actor, history, user},
    error::{Conflict, Error, Result},
};

/// Refuses when the annotation moved on since the caller saw it. `sent` names the fields of the change.
pub async fn check_version(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    row: &annotation::Model,
    expected: Option<i32>,
    sent: &[&str],
) -> Result<()> {
    let Some(expected_version) = expected.filter(|version| *version != row.version) else {
        return Ok(());
    };
    let mut clashing_fields = history::changed_since(txn, row.id, expected_version).await?;
    clashing_fields.retain(|field| sent.contains(&field.as_str()));
    let people: Vec<i64> = [row.completed_by_id, row.updated_by_id]
        .into_iter()
        .flatten()
        .collect();
    let visible = user::visible_ids(txn, actor, &people).await?;
    Err(Error::Conflict(Box::new(Conflict {
        expected_version,
        current_version: row.version,
        clashing_fields,
        current: snapshot(row, &visible)?,
    })))
}

/// The annotation's own fields as JSON, references by id: what a client needs to decide about a conflict.
/// Of people, those that the client may see.
fn snapshot(row: &annotation::Model, visible: &HashSet<i64>) -> Result<String> {
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
    let person = |id: Option<i64>| {
        id.filter(|id| visible.contains(id))
            .map(|id| id.to_string())
    };
    Ok(serde_json::to_string(&Snapshot {
        id: id(row.id),
        version: row.version,
        task_id: id(row.task_id),
        project_id: id(row.project_id),
        result: serde_json::from_str(&row.result)?,
        completed_by_id: person(row.completed_by_id),
        updated_by_id: person(row.updated_by_id),
        was_cancelled: row.was_cancelled,
        ground_truth: row.ground_truth,
        lead_time: row.lead_time,
        last_action: row
            .last_action
            .map(|action| action.to_value().to_uppercase()),
        updated_at: db::print_instant(row.updated_at),
    })?)
}
