//! Decides on a deletion, and on a conversion to a draft.

use entity::annotation;

use super::super::{conflict, facts::Facts, pending::PendingDelete, plan::Plan};
use crate::{
    domain::access::{self, Actor, AnnotationAccess, AnnotationWrite},
    error::{Error, Problem, ProblemCode, Result},
};

/// Adds the deletion with its revision and counters to the plan. Returns the row before, or CONFLICT for a stale
/// write.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan,
    pending: PendingDelete,
) -> Result<annotation::Model> {
    let PendingDelete {
        locked,
        expected_version,
        into_draft,
    } = pending;
    let row = &locked.annotation;
    let role = facts.role(actor, row.project_id);
    let write = AnnotationWrite::new(AnnotationAccess::Delete(row));
    access::check_write(actor, role.ok_or(Error::NotFound("annotation"))?, &write)?;
    // Permission first: a conflict shows the current row, which only permitted users may read.
    conflict::check_version(
        row,
        locked.version(),
        expected_version,
        &facts.visible_users,
    )?;
    if into_draft && facts.drafts_at_risk.contains(&row.id) {
        let message = "you have a draft of it or of its task, which would be lost: submit or discard it first";
        return Err(Problem::new(["id"], ProblemCode::AlreadyTaken, message).into());
    }
    plan.delete(actor, locked, into_draft)
}
