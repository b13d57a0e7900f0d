//! Stale writes: merges a change into a newer version of its annotation, or refuses the change with a conflict
//! (`docs/decisions/0010-merging.md`).

use std::collections::{HashMap, HashSet};

use entity::annotation;
use label_studio::merge::MergeConflict;
use sea_orm::{ActiveEnum, ConnectionTrait};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    apply::unsigned,
    command::{Change, ConflictPolicy},
    new_result::{self, NewResult, ResultOutcome},
};
use crate::{
    app::{App, memory::Lease},
    domain::{
        Patch,
        access::Actor,
        history::{
            self,
            snapshot::{self, Snapshot, VersionOf},
        },
    },
    error::{Conflict, Error, Problem, Result},
    instant,
};

/// Change to a version that is not the current version.
#[derive(Clone, Copy)]
pub struct StaleWrite<'a> {
    pub row: &'a annotation::Model,
    /// Version that the change was made to.
    pub version: i32,
    pub change: &'a Change,
}

/// Base version of a stale write: state of the annotation at `expected_version`, and fields changed since.
#[derive(Default)]
pub struct BaseVersion {
    /// State at the version of the change. Is `None` when the annotation never had that version, or was in a project that
    /// the actor may not see.
    base: Option<Snapshot>,
    /// Result at that version, read only for a change with a result.
    result: String,
    /// Fields changed since; empty for a change to merge, which compares values.
    changed: Vec<String>,
}

impl BaseVersion {
    /// Returns the bytes of the result to compare with.
    pub fn bytes(&self) -> usize {
        self.result.len()
    }
}

/// Base versions of stale writes, by annotation, with the memory of their results.
pub async fn base_versions(
    app: &App,
    txn: &impl ConnectionTrait,
    actor: &Actor,
    stale: &[StaleWrite<'_>],
) -> Result<(HashMap<i64, BaseVersion>, Lease)> {
    if stale.is_empty() {
        return Ok((HashMap::new(), app.memory.empty()));
    }
    // A version from the future, or below 1, has no base version: the write is refused without a merge.
    let known = stale
        .iter()
        .filter(|write| (1..write.row.version).contains(&write.version));
    let known: Vec<VersionOf> = known.map(StaleWrite::key).collect();
    let mut snapshots = snapshot::load(txn, actor, &known).await?;
    let results = stale.iter().filter(|write| write.change.makes_result());
    let results = results.filter_map(|write| Some(snapshots.get(&write.key())?.result));
    let (mut results, lease) = snapshot::results(app, txn, &results.collect::<Vec<_>>()).await?;
    let refused = stale
        .iter()
        .filter(|write| !is_merge(write.change) || !snapshots.contains_key(&write.key()));
    let refused = refused.map(|write| history::Since {
        annotation_id: write.row.id,
        version: write.version,
        current: write.row.version,
    });
    let mut changed = history::changed_since(txn, refused).await?;
    let base_versions = stale.iter().map(|write| {
        let base = snapshots.remove(&write.key());
        let result = base.as_ref().and_then(|base| results.remove(&base.result));
        let base_version = BaseVersion {
            result: result.unwrap_or_default(),
            base,
            changed: changed.remove(&write.row.id).unwrap_or_default(),
        };
        (write.row.id, base_version)
    });
    Ok((base_versions.collect(), lease))
}

impl StaleWrite<'_> {
    fn key(&self) -> VersionOf {
        VersionOf {
            annotation_id: self.row.id,
            version: self.version,
        }
    }
}

fn is_merge(change: &Change) -> bool {
    change.on_conflict == Patch::Set(ConflictPolicy::Merge)
}

/// Merges a change into the current annotation, or refuses a stale write. Answers with the new result, if the result
/// changes, and with the problems of the edits.
///
/// A field that the change sends with its value at the base version is no edit, and is taken out of the change.
/// A conflict names `people` only.
pub fn resolve(
    row: &annotation::Model,
    change: &mut Change,
    base_version: Option<&BaseVersion>,
    people: &HashSet<i64>,
) -> Result<(Option<NewResult>, Vec<Problem>)> {
    let version = change.expected_version.value().copied();
    let (Some(version), Some(base_version)) = (version, base_version) else {
        return Ok(resolved(new_result::from_current(change, &row.result)));
    };
    let is_merge = is_merge(change);
    let touched = || {
        let sent = change.sent();
        let fields = base_version
            .changed
            .iter()
            .filter(|field| sent.contains(&field.as_str()));
        fields.cloned().collect()
    };
    let Some(base) = &base_version.base else {
        return Err(conflict(row, version, touched(), None, people)?);
    };
    let fields = if is_merge {
        resolve_fields(change, row, base)
    } else {
        touched()
    };
    let outcome = new_result::merge_into_current(change, &base_version.result, &row.result);
    let clash = match &outcome.0 {
        ResultOutcome::Clash(clash) => Some(clash),
        _ => None,
    };
    // A write to an old version without `MERGE` is refused even if no field clashes: the client has not seen the
    // current state.
    if !is_merge || !fields.is_empty() || clash.is_some() {
        return Err(conflict(row, version, fields, clash, people)?);
    }
    Ok(resolved(outcome))
}

fn resolved(
    (outcome, problems): (ResultOutcome, Vec<Problem>),
) -> (Option<NewResult>, Vec<Problem>) {
    match outcome {
        ResultOutcome::New(new_result) => (Some(new_result), problems),
        ResultOutcome::Unchanged | ResultOutcome::Clash(_) => (None, problems),
    }
}

/// Refuses a command that expects a version other than `version`, the version before the request. A conflict names
/// only `people`.
pub fn check_version(
    row: &annotation::Model,
    version: i32,
    expected: Option<i32>,
    people: &HashSet<i64>,
) -> Result<()> {
    match expected.filter(|expected| *expected != version) {
        Some(expected) => Err(conflict(row, expected, Vec::new(), None, people)?),
        None => Ok(()),
    }
}

/// Lists the users that a conflict names, if visible to the actor.
pub fn users_of(row: &annotation::Model) -> Vec<i64> {
    let users = [row.completed_by_id, row.updated_by_id];
    users.into_iter().flatten().collect()
}

/// Lists the fields that both sides changed since `base` to different values.
///
/// The last updater never clashes, since each change sets the last updater.
fn resolve_fields(change: &mut Change, row: &annotation::Model, base: &Snapshot) -> Vec<String> {
    // Normalises a negative zero before the comparison with stored values.
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
            conflicts(author, base.completed_by_id, row.completed_by_id),
        ),
        (
            "groundTruth",
            conflicts(is_truth, Some(base.ground_truth), Some(row.ground_truth)),
        ),
        (
            "leadTime",
            conflicts(&mut change.lead_time, base.lead_time, row.lead_time),
        ),
        (
            "project",
            conflicts(project, Some(base.project_id), Some(row.project_id)),
        ),
        (
            "task",
            conflicts(task, Some(base.task_id), Some(row.task_id)),
        ),
        (
            "wasCancelled",
            conflicts(cancelled, Some(base.was_cancelled), Some(row.was_cancelled)),
        ),
    ];
    let clashing = fields.into_iter().filter(|(_, conflicts)| *conflicts);
    clashing.map(|(field, _)| field.to_owned()).collect()
}

/// Says whether both sides changed a field to different values. Removes an unchanged value from the change.
fn conflicts<T: Copy + PartialEq>(
    patch: &mut Patch<T>,
    base: Option<T>,
    current: Option<T>,
) -> bool {
    let ours = match patch {
        Patch::Keep => return false,
        Patch::Null => None,
        Patch::Set(value) => Some(*value),
    };
    // The value equals the base version, so the client did not edit the field.
    if ours == base {
        *patch = Patch::Keep;
        return false;
    }
    current != base && current != ours
}

fn conflict(
    row: &annotation::Model,
    expected_version: i32,
    mut clashing_fields: Vec<String>,
    clash: Option<&MergeConflict>,
    people: &HashSet<i64>,
) -> Result<Error> {
    // A clash of regions counts as a clash of the field `result`.
    if clash.is_some() && !clashing_fields.iter().any(|field| field == "result") {
        clashing_fields.push("result".to_owned());
        clashing_fields.sort_unstable();
    }
    Ok(Error::Conflict(Box::new(Conflict {
        of: "annotation",
        expected_version: Some(expected_version),
        current_version: row.version,
        clashing_fields,
        clashing_regions: clash.map_or_else(Vec::new, |clash| clash.region_ids.clone()),
        current: current(row, people)?,
    })))
}

/// Serialises the annotation's own fields as JSON, with references by id: the data that a client needs to resolve the
/// conflict. Of people, only ids of visible users.
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
        updated_at: instant::print(row.updated_at),
    })?)
}
