//! Inputs of draft mutations and the filter of drafts.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::super::{
    annotation::ConflictPolicy,
    filter::{DateTimeRange, IDFilter},
    input::{list_text, patch, reference},
    scalar::JsonObject,
};
use crate::domain::draft;

/// Content of a draft, and its target: give exactly one of `taskId` and `annotationId`.
#[derive(InputObject)]
pub struct SaveDraftInput {
    /// The task to annotate anew.
    task_id: Option<ID>,
    /// The annotation to change.
    annotation_id: Option<ID>,
    /// The regions so far. Each is an object; an `id`, if any, is a string. The fit to the labelling config
    /// is checked at submission.
    result: Vec<JsonObject>,
    /// Working time so far, in seconds: finite, zero or more. When absent, the saved value stays; `null`
    /// clears the value.
    lead_time: MaybeUndefined<f64>,
    /// The version of the annotation that the draft is based on, which `submitDraft` will expect. When
    /// absent or `null`, the saved value stays; at the first save the default is the annotation's current
    /// version.
    annotation_version: Option<i32>,
    /// The draft's `version` that the save is based on, 0 for no draft: at a different version the save is
    /// refused with CONFLICT. When absent, the last save wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
    /// The draft that the save is based on. When the draft was submitted or discarded meanwhile, the save
    /// is refused with CONFLICT instead of beginning a new draft. When absent or `null`, any draft matches.
    expected_draft_id: Option<ID>,
}

impl From<SaveDraftInput> for draft::Content {
    fn from(input: SaveDraftInput) -> Self {
        Self {
            task_id: reference(input.task_id),
            annotation_id: reference(input.annotation_id),
            result: list_text(&input.result),
            // Absent keeps the stored lead time, null clears it.
            lead_time: patch(input.lead_time, |seconds| seconds),
            annotation_version: input.annotation_version,
            expected_version: patch(input.expected_version, |version| version),
            expected_draft_id: reference(input.expected_draft_id),
        }
    }
}

/// Fields of the annotation beyond the content of the draft. An absent or `null` field keeps its value,
/// and takes its default for a new annotation.
#[derive(Default, InputObject)]
pub struct SubmitDraftInput {
    /// The task was skipped: the annotation does not count as a finished annotation.
    was_cancelled: Option<bool>,
    /// True makes the annotation the task's ground truth, and the previous ground truth loses the flag. For
    /// reviewers and managers.
    ground_truth: Option<bool>,
    /// The version of the annotation that the draft is based on: the draft's `annotationVersion`, unless
    /// given. When the annotation is at a newer version, `onConflict` decides. Without effect for a new
    /// annotation.
    expected_version: Option<i32>,
    /// Handling of a stale draft, based on an older version than the current version: REJECT unless given.
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

/// Condition on the drafts of a list. Every given part has to match.
#[derive(Default, InputObject)]
pub struct AnnotationDraftFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By task.
    task_id: Option<IDFilter>,
    /// By the annotation to change.
    annotation_id: Option<IDFilter>,
    /// By project.
    project_id: Option<IDFilter>,
    /// Drafts of existing annotations, or drafts of new annotations.
    has_annotation: Option<bool>,
    /// By time of the last save.
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
