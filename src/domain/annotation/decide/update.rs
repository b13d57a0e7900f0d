//! Decides on a change: merges into the current version, and refuses a change that is forbidden, stale or invalid.

use entity::annotation;

use super::{
    super::{
        command::OwnDrafts, conflict, facts::Facts, pending::PendingUpdate, plan::Plan,
        result_validation,
    },
    references,
};
use crate::{
    domain::access::{self, Actor, AnnotationAccess, AnnotationWrite},
    error::{Error, Result},
};

/// Adds the change with its revision and counters to the plan. Returns the changed row, or the first refusal in the
/// documented order.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan,
    mut pending: PendingUpdate,
) -> Result<annotation::Model> {
    check_access(actor, facts, &pending)?;
    let base_version = facts.base_version(&pending);
    let PendingUpdate { locked, change } = &mut pending;
    // A sent result supersedes the author's drafts, even if equal to the stored result.
    if change.makes_result() && change.own_drafts == OwnDrafts::GoWithAChange {
        change.own_drafts = OwnDrafts::Go;
    }
    let (new_result, mut problems) = conflict::resolve(
        &locked.annotation,
        change,
        base_version,
        &facts.visible_users,
    )?;
    let moves = change.task_id.is_sent();
    // A merge can reveal that the move is no edit.
    if !moves {
        locked.target = None;
    }
    problems.extend(references::check_change(facts, change, locked));
    // The config of an unknown task is unknown too.
    if locked.target.is_some() || !moves {
        let task = locked.target.as_ref().unwrap_or(&locked.task);
        let (row, new_result) = (&locked.annotation, new_result.as_ref());
        problems.extend(result_validation::validate_update(
            facts.context(task),
            row,
            task,
            change,
            new_result,
        ));
    }
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    plan.change(actor, pending.locked, pending.change, new_result)
}

fn check_access(actor: &Actor, facts: &Facts, pending: &PendingUpdate) -> Result<()> {
    let PendingUpdate { locked, change } = pending;
    let row = &locked.annotation;
    let target = locked.target.as_ref();
    let write = AnnotationWrite {
        is_review: change.review.is_some(),
        sets_ground_truth: change.ground_truth.is_sent(),
        changes_author: change.completed_by_id.is_sent() || change.updated_by_id.is_sent(),
        moves: change.task_id.is_sent(),
        target_role: target.and_then(|target| facts.role(actor, target.project_id)),
        ..AnnotationWrite::new(AnnotationAccess::Edit(row))
    };
    let role = facts.role(actor, row.project_id);
    access::check_write(actor, role.ok_or(Error::NotFound("annotation"))?, &write)
}
