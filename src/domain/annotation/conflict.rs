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
        history::{
            self,
            snapshot::{self, Snapshot, VersionOf},
        },
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
    let Some(version) = expected.filter(|version| *version != row.version) else {
        return Ok(settled(incoming::of_current(change, &row.result)));
    };
    let merges = change.on_conflict == Patch::Set(ConflictPolicy::Merge);
    let Some(base) = base(txn, actor, row, version).await? else {
        let fields = clashing_since(txn, row, version, &sent).await?;
        return Err(conflict(txn, actor, row, version, fields, None).await?);
    };
    let fields = if merges {
        settle_fields(change, row, &base)
    } else {
        clashing_since(txn, row, version, &sent).await?
    };
    let outcome = if change.makes_result() {
        let result = snapshot::result(txn, &base).await?;
        incoming::of_older(change, &result, &row.result)
    } else {
        (Outcome::Kept, Vec::new())
    };
    let clash = match &outcome.0 {
        Outcome::Clash(clash) => Some(clash),
        _ => None,
    };
    if !merges || !fields.is_empty() || clash.is_some() {
        return Err(conflict(txn, actor, row, version, fields, clash).await?);
    }
    Ok(settled(outcome))
}

fn settled(
    (outcome, problems): (Outcome, Vec<Problem>),
) -> (Option<incoming::Incoming>, Vec<Problem>) {
    match outcome {
        Outcome::New(incoming) => (Some(incoming), problems),
        Outcome::Kept | Outcome::Clash(_) => (None, problems),
    }
}

/// What the annotation was at an older version. `None` when it never had that one, or was then where the
/// actor may not look.
async fn base(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    row: &annotation::Model,
    version: i32,
) -> Result<Option<Snapshot>> {
    if !(1..row.version).contains(&version) {
        return Ok(None);
    }
    let key = VersionOf {
        annotation_id: row.id,
        version,
    };
    Ok(snapshot::load(txn, actor, &[key]).await?.remove(&key))
}

/// Names the fields of a change that others changed since a version.
async fn clashing_since(
    txn: &impl ConnectionTrait,
    row: &annotation::Model,
    version: i32,
    sent: &[&str],
) -> Result<Vec<String>> {
    let mut fields = history::changed_since(txn, row.id, version).await?;
    fields.retain(|field| sent.contains(&field.as_str()));
    Ok(fields)
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
fn settle_fields(change: &mut Change, row: &annotation::Model, base: &Snapshot) -> Vec<String> {
    if let Patch::Set(seconds) = &mut change.lead_time {
        *seconds = unsigned(*seconds);
    }
    let author = &mut change.completed_by_id;
    let is_truth = &mut change.ground_truth;
    let cancelled = &mut change.was_cancelled;
    let (task, project) = (&mut change.task_id, &mut change.project_id);
    let fields = [
        (
            "completedBy",
            clashes(author, base.completed_by_id, row.completed_by_id),
        ),
        (
            "groundTruth",
            clashes(is_truth, Some(base.ground_truth), Some(row.ground_truth)),
        ),
        (
            "leadTime",
            clashes(&mut change.lead_time, base.lead_time, row.lead_time),
        ),
        (
            "project",
            clashes(project, Some(base.project_id), Some(row.project_id)),
        ),
        ("task", clashes(task, Some(base.task_id), Some(row.task_id))),
        (
            "wasCancelled",
            clashes(cancelled, Some(base.was_cancelled), Some(row.was_cancelled)),
        ),
    ];
    let clashing = fields.into_iter().filter(|(_, clashes)| *clashes);
    clashing.map(|(field, _)| field.to_owned()).collect()
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
        current: current(row, &visible)?,
    })))
}

/// The annotation's own fields as JSON, references by id: what a client needs to decide about a conflict.
/// Of people, those that the client may see.
fn current(row: &annotation::Model, visible: &HashSet<i64>) -> Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Current<'a> {
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
    Ok(serde_json::to_string(&Current {
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
