//! Rights to write annotations: each rule stands once, with the sentence of its refusal.

use entity::{annotation, project_member::Role};

use super::{
    Actor, may_annotate, may_delete, may_edit, may_manage, may_review, may_set_ground_truth,
};
use crate::error::{Error, Result};

/// Write of an annotation, as far as rights depend on it.
pub struct AnnotationWrite<'a> {
    pub access: AnnotationAccess<'a>,
    pub is_review: bool,
    pub sets_ground_truth: bool,
    /// Names another author, or another user as the last updater.
    pub changes_author: bool,
    pub moves: bool,
    /// The actor's role in the project of the target; `None` without such a project.
    pub target_role: Option<Role>,
}

/// Access to the row itself.
pub enum AnnotationAccess<'a> {
    /// A new annotation of a task.
    Annotate,
    Edit(&'a annotation::Model),
    Delete(&'a annotation::Model),
    /// A deleted annotation is restored.
    Undelete(&'a annotation::Model),
}

impl<'a> AnnotationWrite<'a> {
    /// A write that needs access to the row and nothing else.
    pub fn new(access: AnnotationAccess<'a>) -> Self {
        Self {
            access,
            is_review: false,
            sets_ground_truth: false,
            changes_author: false,
            moves: false,
            target_role: None,
        }
    }
}

/// Refuses a write that the actor's role in the annotation's project does not allow, with the first reason.
pub fn check_write(actor: &Actor, role: Role, write: &AnnotationWrite<'_>) -> Result<()> {
    let row = match write.access {
        AnnotationAccess::Annotate => (
            may_annotate(role),
            "you may read this project but not annotate in it",
        ),
        AnnotationAccess::Edit(row) => (
            may_edit(actor, role, row),
            "you may change only annotations of your own in this project",
        ),
        AnnotationAccess::Delete(row) => (
            may_delete(actor, role, row),
            "you may delete only annotations of your own; managers may delete any",
        ),
        AnnotationAccess::Undelete(row) => (
            may_delete(actor, role, row),
            "you may restore only deleted annotations of your own; managers may restore any",
        ),
    };
    // Ordered: only the first broken rule is reported, so that a review by an annotator names the role that reviews need,
    // and not the author of the row.
    let rules = [
        (
            !write.is_review || may_review(role),
            "annotations are reviewed by reviewers and managers",
        ),
        row,
        (
            !write.sets_ground_truth || may_set_ground_truth(role),
            "the ground truth is set by reviewers and managers",
        ),
        (
            !write.changes_author || may_manage(role),
            "authorship is changed by managers",
        ),
        (
            !write.moves || (may_manage(role) && write.target_role.is_none_or(may_manage)),
            "annotations are moved by managers of both projects",
        ),
    ];
    match rules.into_iter().find(|(is_allowed, _)| !is_allowed) {
        Some((_, otherwise)) => Err(Error::Forbidden(otherwise)),
        None => Ok(()),
    }
}
