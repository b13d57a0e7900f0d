//! Decides on a new annotation: from scratch, from a prediction, from a second annotation of the task, or from a
//! draft.

use entity::annotation::{self, Action};
use uuid::Uuid;

use super::{
    super::{apply::unsigned, facts::Facts, pending::PendingCreate, plan::Plan, result_validation},
    references,
};
use crate::{
    domain::access::{self, Actor, AnnotationAccess, AnnotationWrite},
    error::{Error, Result},
};

/// Adds the new annotation with its revision and counters to the plan. Returns the new row, or all problems of the
/// input.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan,
    pending: PendingCreate,
) -> Result<annotation::Model> {
    let PendingCreate {
        task,
        new,
        region_count,
    } = pending;
    // An invisible task has no role, and is reported as unknown.
    let role = facts.role(actor, task.project_id);
    let write = AnnotationWrite {
        sets_ground_truth: new.ground_truth,
        changes_author: new.completed_by_id.is_some_and(|id| id != actor.id()),
        ..AnnotationWrite::new(AnnotationAccess::Annotate)
    };
    access::check_write(actor, role.ok_or(Error::NotFound("task"))?, &write)?;
    let mut problems = references::check_new(facts, task.id, &new);
    problems.extend(result_validation::validate_new(facts.context(&task), &new));
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    // Order of precedence as in Label Studio: skipping outranks the origin.
    let action = if new.was_cancelled {
        Action::Skipped
    } else if new.parent_prediction_id.is_some() {
        Action::Prediction
    } else if new.parent_annotation_id.is_some() {
        Action::PropagatedAnnotation
    } else {
        Action::Submitted
    };
    let row = annotation::Model {
        // The id follows from the insert; 0 marks a row without an id.
        id: 0,
        unique_id: new.unique_id.unwrap_or_else(Uuid::new_v4),
        task_id: task.id,
        project_id: task.project_id,
        result: new.result,
        region_count: i32::try_from(region_count).unwrap_or(i32::MAX),
        completed_by_id: Some(new.completed_by_id.unwrap_or(actor.id())),
        updated_by_id: Some(actor.id()),
        last_created_by_id: Some(actor.id()),
        last_action: Some(action),
        was_cancelled: new.was_cancelled,
        ground_truth: new.ground_truth,
        lead_time: new.lead_time.map(unsigned),
        created_at: plan.at(),
        updated_at: plan.at(),
        draft_created_at: new.draft.map(|draft| draft.created_at),
        import_id: None,
        parent_prediction_id: new.parent_prediction_id,
        parent_annotation_id: new.parent_annotation_id,
        version: 1,
        extra: None,
    };
    plan.create(actor, task, row, action, new.draft)
}
