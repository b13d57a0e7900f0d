//! Decides on a restoration: reverts a live annotation to a version, or undeletes a deleted annotation
//! (`docs/decisions/0009-history.md`).

use entity::{annotation, task};

use super::super::{
    apply,
    command::{Change, OwnDrafts},
    conflict,
    facts::{Facts, PastState},
    new_result::{NewResult, Provenance},
    pending::{PendingRevert, PendingUndelete},
    plan::{self, Plan},
    result_validation,
};
use crate::{
    domain::{
        Patch,
        access::{self, Actor, AnnotationAccess, AnnotationWrite},
    },
    error::{Error, Problem, ProblemCode, Result},
};
use label_studio::entry::entries;

/// Reverts a live annotation, as an update would. The annotation stays in its task.
pub fn revert(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan,
    pending: PendingRevert,
) -> Result<annotation::Model> {
    let PendingRevert {
        locked,
        expected_version,
        ..
    } = pending;
    let row = &locked.annotation;
    let past = facts.restore(row.id).and_then(|facts| facts.past.as_ref());
    let write = AnnotationWrite {
        sets_ground_truth: past.is_some_and(|past| past.snapshot.ground_truth != row.ground_truth),
        changes_author: past.is_some_and(|past| past.author != row.completed_by_id),
        ..AnnotationWrite::new(AnnotationAccess::Edit(row))
    };
    let role = facts.role(actor, row.project_id);
    access::check_write(actor, role.ok_or(Error::NotFound("annotation"))?, &write)?;
    conflict::check_version(
        row,
        locked.version(),
        expected_version,
        &facts.visible_users,
    )?;
    // Reports an unknown version only after the permission check, which would otherwise reveal versions.
    let past = past.ok_or_else(unknown_version)?;
    // An unchanged result needs no check, unless the task is no longer skipped.
    if past.needs_validation(row) {
        validate(facts, &locked.task, past, past.is_stored)?;
    }
    let (change, new_result) = change_to(past);
    plan.change(actor, locked, change, new_result)
}

/// Undeletes an annotation under its old id, in its former task.
pub fn undelete(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan,
    pending: PendingUndelete,
) -> Result<annotation::Model> {
    let not_found = || Error::NotFound("annotation");
    let restore = facts.restore(pending.id).ok_or_else(not_found)?;
    let before = restore.before.as_ref().ok_or_else(not_found)?;
    let past = restore.past.as_ref();
    let changes_author =
        |past: &PastState| past.author.is_some() && past.author != before.completed_by_id;
    let write = AnnotationWrite {
        sets_ground_truth: past.is_some_and(|past| past.snapshot.ground_truth),
        changes_author: past.is_some_and(changes_author),
        ..AnnotationWrite::new(AnnotationAccess::Undelete(before))
    };
    let role = facts.role(actor, before.project_id);
    access::check_write(actor, role.ok_or_else(not_found)?, &write)?;
    let expected = pending.expected_version;
    conflict::check_version(before, before.version, expected, &facts.visible_users)?;
    let past = past.ok_or_else(unknown_version)?;
    // Deletions by releases without tombstones can't be undone.
    let (Some(task), true) = (pending.deleted.task, restore.has_tombstone) else {
        return Err(not_restorable());
    };
    validate(facts, &task, past, false)?;
    // The unique id may have been taken since the deletion, for example by an import.
    if facts.used_unique_ids.contains(&before.unique_id) {
        return Err(plan::unique_id_taken());
    }
    let (change, new_result) = change_to(past);
    let mut row = before.clone();
    // A parent deleted since becomes null, as if deleted later.
    let parent = &mut row.parent_prediction_id;
    *parent = parent.filter(|id| facts.existing_predictions.contains(id));
    let parent = &mut row.parent_annotation_id;
    *parent = parent.filter(|id| facts.existing_annotations.contains(id));
    let changes = apply::apply(&mut row, &change, None, new_result);
    plan.undelete(actor, task, row, changes)
}

/// Builds the change that leads to a past state. Leaves out the result if equal to the stored result.
fn change_to(past: &PastState) -> (Change, Option<NewResult>) {
    let snapshot = &past.snapshot;
    let change = Change {
        completed_by_id: past.author.map_or(Patch::Null, Patch::Set),
        was_cancelled: Patch::Set(snapshot.was_cancelled),
        ground_truth: Patch::Set(snapshot.ground_truth),
        lead_time: snapshot.lead_time.map_or(Patch::Null, Patch::Set),
        own_drafts: OwnDrafts::Keep,
        ..Change::default()
    };
    let new_result = (!past.is_stored).then(|| NewResult {
        region_count: entries(&past.result).len(),
        result: past.result.clone(),
        provenance: Provenance::Whole,
    });
    (change, new_result)
}

/// Refuses a past result that does not conform to the config of the task to return to.
fn validate(facts: &Facts, task: &task::Model, past: &PastState, is_stored: bool) -> Result<()> {
    let is_cancelled = past.snapshot.was_cancelled;
    let context = facts.context(task);
    match result_validation::validate_restored(context, &past.result, is_cancelled, is_stored) {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

fn unknown_version() -> Error {
    let message = "the annotation never had this version, or you may not see it";
    Problem::new(["version"], ProblemCode::UnknownVersion, message).into()
}

fn not_restorable() -> Error {
    let message = "too little is left of it: its task is gone, or it was deleted by a version of this server that kept no more";
    Problem::new(["id"], ProblemCode::NotRestorable, message).into()
}
