//! Applies changes to rows of annotations, and records the changed fields.

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action},
    task,
};

use super::{command::Change, new_result::NewResult};
use crate::domain::{Patch, history::Changes};

/// Raises the version, and records the actor and the time. Part of every accepted change.
pub fn touch(row: &mut annotation::Model, actor_id: i64, action: Action, at: DateTime<Utc>) {
    row.version += 1;
    row.updated_by_id = Some(actor_id);
    row.last_created_by_id = Some(actor_id);
    row.last_action = Some(action);
    // The clock can step back; `updatedAt` of an annotation never does.
    row.updated_at = at.max(row.updated_at);
}

/// Converts a lead time to its stored form: SQLite does not keep a negative zero.
pub fn unsigned(seconds: f64) -> f64 {
    seconds + 0.0
}

/// Action of the revision for changes that led to this row.
pub fn action(row: &annotation::Model, changes: &Changes) -> Action {
    if changes.has("wasCancelled") && row.was_cancelled {
        Action::Skipped
    } else {
        Action::Updated
    }
}

/// Sets the fields that differ, and returns the new values.
pub fn apply(
    row: &mut annotation::Model,
    change: &Change,
    target: Option<&task::Model>,
    new_result: Option<NewResult>,
) -> Changes {
    let mut changes = Changes::default();
    if let Some(new_result) = new_result {
        changes.result(&new_result.result);
        row.result = new_result.result;
        row.region_count = i32::try_from(new_result.region_count).unwrap_or(i32::MAX);
    }
    if let Some(target) = target {
        // Recorded before the row changes: subscribers of the former task and project see the departure.
        changes.moved_from(row.task_id, row.project_id);
        row.task_id = target.id;
        changes.id("task", Some(target.id));
        if row.project_id != target.project_id {
            row.project_id = target.project_id;
            changes.id("project", Some(target.project_id));
        }
    }
    let completed_by_id = match change.completed_by_id {
        Patch::Keep => row.completed_by_id,
        Patch::Null => None,
        Patch::Set(id) => Some(id),
    };
    if row.completed_by_id != completed_by_id {
        row.completed_by_id = completed_by_id;
        changes.id("completedBy", completed_by_id);
    }
    // The last updater is recorded as a change only if named explicitly, since each change sets the last updater. The
    // row takes it later, because `touch` would overwrite it.
    if let Patch::Set(id) = change.updated_by_id
        && row.updated_by_id != Some(id)
    {
        changes.id("updatedBy", Some(id));
    }
    if let Patch::Set(was_cancelled) = change.was_cancelled
        && row.was_cancelled != was_cancelled
    {
        row.was_cancelled = was_cancelled;
        changes.field("wasCancelled", was_cancelled);
    }
    if let Patch::Set(ground_truth) = change.ground_truth
        && row.ground_truth != ground_truth
    {
        row.ground_truth = ground_truth;
        changes.field("groundTruth", ground_truth);
    }
    let lead_time = match change.lead_time {
        Patch::Keep => row.lead_time,
        Patch::Null => None,
        Patch::Set(seconds) => Some(unsigned(seconds)),
    };
    if row.lead_time != lead_time {
        row.lead_time = lead_time;
        changes.field("leadTime", lead_time);
    }
    changes
}
