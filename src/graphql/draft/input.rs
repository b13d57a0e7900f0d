//! What clients send about drafts.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::super::{
    annotation::{ConflictPolicy, patch},
    filter::{DateTimeRange, IDFilter},
    scalar::{JsonObject, list_text},
};
use crate::{domain::draft, id};

/// What is saved as a draft, and of what: exactly one of `taskId` and `annotationId` has to be given.
#[derive(InputObject)]
pub struct SaveDraftInput {
    /// The task that is being annotated anew.
    task_id: Option<ID>,
    /// The annotation that is being changed.
    annotation_id: Option<ID>,
    /// The regions so far. Each is an object; its `id`, when it has one, is a string. Whether they fit the
    /// labelling config is asked when the draft is submitted.
    result: Vec<JsonObject>,
    /// How long it took so far, in seconds: finite, zero or more. Left out, it stays as it was saved before;
    /// `null` clears it.
    lead_time: MaybeUndefined<f64>,
    /// The version of the annotation that the draft was made to, which is the one that `submitDraft` expects. Left
    /// out or `null`, it stays as it was saved before; the first time it is the annotation's current one.
    annotation_version: Option<i32>,
    /// The draft's `version` that the save was made to, 0 where there was no draft: at another one it is refused with
    /// CONFLICT. Left out, the last save wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
    /// The draft that the save was made to. When it was submitted or discarded meanwhile, the save is refused with
    /// CONFLICT instead of beginning another draft. Left out or `null`, any draft will do.
    expected_draft_id: Option<ID>,
}

impl From<SaveDraftInput> for draft::Content {
    fn from(input: SaveDraftInput) -> Self {
        Self {
            task_id: input.task_id.map(|id| id::reference(&id)),
            annotation_id: input.annotation_id.map(|id| id::reference(&id)),
            result: list_text(&input.result),
            lead_time: patch(input.lead_time, |seconds| seconds),
            annotation_version: input.annotation_version,
            expected_version: patch(input.expected_version, |version| version),
            expected_draft_id: input.expected_draft_id.map(|id| id::reference(&id)),
        }
    }
}

/// What is said of the annotation besides what the draft holds. What is left out or `null` stays as it is, and
/// of a new annotation takes its default.
#[derive(Default, InputObject)]
pub struct SubmitDraftInput {
    /// The task was skipped: the annotation does not count as one.
    was_cancelled: Option<bool>,
    /// Make it the task's ground truth, which takes that from the one that was, or no longer. For reviewers and
    /// managers.
    ground_truth: Option<bool>,
    /// The version of the annotation that the draft was made to: the draft's `annotationVersion`, unless given.
    /// When the annotation is at another one, `onConflict` decides. Of a new annotation it says nothing.
    expected_version: Option<i32>,
    /// What becomes of the draft when the annotation moved on since `expectedVersion`: REJECT unless given.
    on_conflict: Option<ConflictPolicy>,
}

impl From<SubmitDraftInput> for draft::Submission {
    fn from(input: SubmitDraftInput) -> Self {
        Self {
            was_cancelled: input.was_cancelled,
            ground_truth: input.ground_truth,
            expected_version: input.expected_version,
            on_conflict: input.on_conflict.map(Into::into),
        }
    }
}

/// Which drafts a list holds. Parts that are given all have to match.
#[derive(Default, InputObject)]
pub struct AnnotationDraftFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By task.
    task_id: Option<IDFilter>,
    /// By the annotation that they change.
    annotation_id: Option<IDFilter>,
    /// By project.
    project_id: Option<IDFilter>,
    /// Those that change an annotation, or those of new ones.
    has_annotation: Option<bool>,
    /// By when they were last saved.
    updated_at: Option<DateTimeRange>,
}

impl From<AnnotationDraftFilter> for draft::Filter {
    fn from(input: AnnotationDraftFilter) -> Self {
        Self {
            id: input.id.map(Into::into),
            task_id: input.task_id.map(Into::into),
            annotation_id: input.annotation_id.map(Into::into),
            project_id: input.project_id.map(Into::into),
            has_annotation: input.has_annotation,
            updated_at: input.updated_at.map(Into::into),
        }
    }
}
