//! Inputs of annotation mutations.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};

use super::super::{
    input::{list_text, patch, reference},
    scalar::{JsonObject, Uuid},
};
use crate::{domain::annotation, id};

/// A change of an annotation: the fields of Label Studio's "Update an annotation", and a guard against
/// lost updates. An absent field keeps its value. `null` clears `leadTime`; for all remaining fields
/// `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateAnnotationInput {
    /// The whole new list of regions. Each region is an object; an `id`, if any, is a string.
    result: MaybeUndefined<Vec<JsonObject>>,
    /// Edits of single regions, instead of the whole list: not together with `result`.
    regions: MaybeUndefined<RegionChangesInput>,
    /// Move to this task; the project follows, and both tasks are counted anew. For managers of both
    /// projects.
    task_id: MaybeUndefined<ID>,
    /// The project of the task. An annotation is always in the project of its task: a different project is
    /// refused as PROJECT_MISMATCH.
    project_id: MaybeUndefined<ID>,
    /// The author. For managers.
    completed_by_id: MaybeUndefined<ID>,
    /// Last updater on record; you, unless given. For managers.
    updated_by_id: MaybeUndefined<ID>,
    /// The task was skipped: the annotation does not count as a finished annotation.
    was_cancelled: MaybeUndefined<bool>,
    /// True makes the annotation the task's ground truth, and the previous ground truth loses the flag. For
    /// reviewers and managers.
    ground_truth: MaybeUndefined<bool>,
    /// Working time in seconds: finite, zero or more. `null` clears the value.
    lead_time: MaybeUndefined<f64>,
    /// The version that the change was made to. When the annotation is at a newer version, `onConflict`
    /// decides.
    expected_version: MaybeUndefined<i32>,
    /// Handling of a stale change, made to an older version than the current version: REJECT unless given.
    on_conflict: MaybeUndefined<ConflictPolicy>,
}

/// Edits of single regions of a result; all remaining regions keep their text. `id` addresses a region.
/// Where ids repeat, because a control describes a region in a separate entry (`perRegion`), `id` and
/// `from_name` address an entry; `from_id` and `to_id` address a relation, which has no id. `null` is
/// BAD_USER_INPUT.
#[derive(InputObject)]
pub struct RegionChangesInput {
    /// New contents of entries. Each replaces the entry with the same `id` and `from_name`, a relation the
    /// relation with the same ends; without such an entry, the new entry is appended.
    upsert: MaybeUndefined<Vec<JsonObject>>,
    /// Ids of regions to remove, with every entry that repeats the id and every relation that ends at the
    /// region. An id without a region is UNKNOWN_REGION.
    remove: MaybeUndefined<Vec<ID>>,
    /// Single entries to remove. A missing entry is UNKNOWN_REGION.
    remove_entries: MaybeUndefined<Vec<RegionEntryInput>>,
}

/// Address of a single entry among entries with the same region id.
#[derive(InputObject)]
pub struct RegionEntryInput {
    /// The region's `id` in `result`.
    region_id: ID,
    /// The control of the entry: `from_name`.
    from_name: String,
}

impl From<RegionChangesInput> for annotation::RegionChanges {
    fn from(input: RegionChangesInput) -> Self {
        let texts = |items: Vec<JsonObject>| items.into_iter().map(|item| item.0).collect();
        let ids = |ids: Vec<ID>| ids.into_iter().map(|id| id.0).collect();
        let entries = |entries: Vec<RegionEntryInput>| {
            let pair = |entry: RegionEntryInput| (entry.region_id.0, entry.from_name);
            entries.into_iter().map(pair).collect()
        };
        Self {
            upsert: patch(input.upsert, texts),
            remove: patch(input.remove, ids),
            remove_entries: patch(input.remove_entries, entries),
        }
    }
}

/// Handling of a stale change of an annotation, made to an older version than the current version.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "annotation::ConflictPolicy")]
pub enum ConflictPolicy {
    /// Refuse with CONFLICT.
    Reject,
    /// Merge into the newest version: a field or region that a single side changed keeps that side's value.
    /// Different changes of both sides are CONFLICT with `clashingFields` and `clashingRegions`. Needs
    /// `expectedVersion`.
    Merge,
}

impl From<UpdateAnnotationInput> for annotation::Change {
    fn from(input: UpdateAnnotationInput) -> Self {
        // An unparsable id becomes an id that no row has: the domain then reports the unknown id with its path.
        let id = |id: MaybeUndefined<ID>| patch(id, |id| id::reference(&id));
        Self {
            result: patch(input.result, |items| list_text(&items)),
            regions: patch(input.regions, Into::into),
            task_id: id(input.task_id),
            project_id: id(input.project_id),
            completed_by_id: id(input.completed_by_id),
            updated_by_id: id(input.updated_by_id),
            was_cancelled: patch(input.was_cancelled, |value| value),
            ground_truth: patch(input.ground_truth, |value| value),
            lead_time: patch(input.lead_time, |value| value),
            expected_version: patch(input.expected_version, |value| value),
            on_conflict: patch(input.on_conflict, Into::into),
            ..Self::default()
        }
    }
}

/// A new annotation. An absent or `null` field takes its default.
#[derive(InputObject)]
pub struct CreateAnnotationInput {
    /// The regions. Each is an object; an `id`, if any, is a string.
    result: Vec<JsonObject>,
    /// The author; you, unless given. A different author: for managers.
    completed_by_id: Option<ID>,
    /// The task was skipped: the annotation does not count as a finished annotation. False unless given.
    was_cancelled: Option<bool>,
    /// Make the annotation the task's ground truth; the previous ground truth loses the flag. False unless
    /// given. For reviewers and managers.
    ground_truth: Option<bool>,
    /// Working time in seconds: finite, zero or more.
    lead_time: Option<f64>,
    /// Random unless given; an id in use is refused as ALREADY_TAKEN.
    unique_id: Option<Uuid>,
    /// The prediction of the same task that the annotation is copied from.
    parent_prediction_id: Option<ID>,
    /// The annotation of the same task that the new annotation is copied from.
    parent_annotation_id: Option<ID>,
}

impl From<CreateAnnotationInput> for annotation::New {
    fn from(input: CreateAnnotationInput) -> Self {
        Self {
            result: list_text(&input.result),
            completed_by_id: reference(input.completed_by_id),
            // Null counts as false here: a new annotation has no former value to keep.
            was_cancelled: input.was_cancelled.unwrap_or(false),
            ground_truth: input.ground_truth.unwrap_or(false),
            lead_time: input.lead_time,
            unique_id: input.unique_id.map(|id| id.0),
            parent_prediction_id: reference(input.parent_prediction_id),
            parent_annotation_id: reference(input.parent_annotation_id),
            draft: None,
        }
    }
}
