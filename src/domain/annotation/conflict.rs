//! Lost races: what a client is told whose annotation moved on, and what can be merged instead.

use std::collections::HashSet;

use entity::annotation;
use sea_orm::{ActiveEnum, ConnectionTrait};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Change, ConflictPolicy,
    incoming::{self, Outcome},
    unsigned,
};
use crate::{
    db,
    domain::{
        Patch,
        access::Actor,
        history::{self, state},
        user,
    },
    error::{Conflict, Error, Problem, Result},
    labelstudio::merge::Clash,
};

/// Brings a change into the annotation as it is, or refuses it because others were there first. Answers with
/// the new result, if there is one, and with the problems that making it had.
///
/// What the change says that was so at the version that it was made to is no edit, and is taken out of it.
pub async fn settle(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    row: &annotation::Model,
    change: &mut Change,
) -> Result<(Option<incoming::Incoming>, Vec<Problem>)> {
    let sent = change.sent();
    let expected = change.expected_version.value().copied();
    let (outcome, problems) = match expected.filter(|version| *version != row.version) {
        None => incoming::of_current(change, &row.result),
        Some(version) => {
            let is_known = (1..row.version).contains(&version);
            let merges = change.on_conflict == Patch::Set(ConflictPolicy::Merge);
            let base = if is_known {
                state::at(txn, row.id, version, &sent, change.makes_result()).await?
            } else {
                state::State::default()
            };
            let fields = if merges && is_known {
                settle_fields(change, row, &base)
            } else {
                let mut fields = history::changed_since(txn, row.id, version).await?;
                fields.retain(|field| sent.contains(&field.as_str()));
                fields
            };
            let (outcome, problems) = if is_known {
                incoming::of_older(change, &base.result, &row.result)
            } else {
                (Outcome::Kept, Vec::new())
            };
            let clash = match &outcome {
                Outcome::Clash(clash) => Some(clash),
                _ => None,
            };
            if !merges || !is_known || !fields.is_empty() || clash.is_some() {
                return Err(conflict(txn, actor, row, version, fields, clash).await?);
            }
            (outcome, problems)
        }
    };
    Ok(match outcome {
        Outcome::New(incoming) => (Some(incoming), problems),
        Outcome::Kept | Outcome::Clash(_) => (None, problems),
    })
}

/// Refuses when the annotation moved on since the caller saw it.
pub async fn check_version(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    row: &annotation::Model,
    expected: Option<i32>,
) -> Result<()> {
    match expected.filter(|version| *version != row.version) {
        Some(version) => Err(conflict(txn, actor, row, version, Vec::new(), None).await?),
        None => Ok(()),
    }
}

/// Names the fields that both sides changed since `base`, each in its own way.
///
/// Who stands as the last updater is nobody's edit: every change sets it.
fn settle_fields(change: &mut Change, row: &annotation::Model, base: &state::State) -> Vec<String> {
    let mut clashing = Vec::new();
    let mut note = |field: &str, clashes: bool| {
        if clashes {
            clashing.push(field.to_owned());
        }
    };
    let author = base.id("completedBy");
    note(
        "completedBy",
        clashes(&mut change.completed_by_id, author, row.completed_by_id),
    );
    for (field, patch, current) in [
        ("groundTruth", &mut change.ground_truth, row.ground_truth),
        ("wasCancelled", &mut change.was_cancelled, row.was_cancelled),
    ] {
        note(field, clashes(patch, Some(base.flag(field)), Some(current)));
    }
    if let Patch::Set(seconds) = &mut change.lead_time {
        *seconds = unsigned(*seconds);
    }
    let lead_time = base.number("leadTime");
    note(
        "leadTime",
        clashes(&mut change.lead_time, lead_time, row.lead_time),
    );
    let task = base.id("task");
    note(
        "task",
        clashes(&mut change.task_id, task, Some(row.task_id)),
    );
    let project = base.id("project");
    note(
        "project",
        clashes(&mut change.project_id, project, Some(row.project_id)),
    );
    clashing.sort_unstable();
    clashing
}

/// Both sides changed a field, each in its own way. Takes a value out of the change that was there before.
fn clashes<T: Copy + PartialEq>(patch: &mut Patch<T>, base: Option<T>, current: Option<T>) -> bool {
    let ours = match patch {
        Patch::Keep => return false,
        Patch::Null => None,
        Patch::Set(value) => Some(*value),
    };
    if ours == base {
        *patch = Patch::Keep;
        return false;
    }
    current != base && current != ours
}

async fn conflict(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    row: &annotation::Model,
    expected_version: i32,
    mut clashing_fields: Vec<String>,
    clash: Option<&Clash>,
) -> Result<Error> {
    if clash.is_some() && !clashing_fields.iter().any(|field| field == "result") {
        clashing_fields.push("result".to_owned());
        clashing_fields.sort_unstable();
    }
    let people: Vec<i64> = [row.completed_by_id, row.updated_by_id]
        .into_iter()
        .flatten()
        .collect();
    let visible = user::visible_ids(txn, actor, &people).await?;
    Ok(Error::Conflict(Box::new(Conflict {
        expected_version,
        current_version: row.version,
        clashing_fields,
        clashing_regions: clash.map_or_else(Vec::new, |clash| clash.region_ids.clone()),
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
