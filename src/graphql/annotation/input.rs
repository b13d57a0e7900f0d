//! What clients send about annotations.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};

use super::super::scalar::{JsonObject, Uuid, list_text};
use crate::{
    domain::{Patch, annotation},
    id,
};

/// A change of an annotation: the fields of Label Studio's "Update an annotation", and a guard against
/// lost updates. A field that is left out stays as it is. `null` clears `leadTime`; for every other field
/// it is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateAnnotationInput {
    /// The whole new list of regions. Each region is an object; its `id`, when it has one, is a string.
    result: MaybeUndefined<Vec<JsonObject>>,
    /// Edits of single regions, instead of the whole list: not together with `result`.
    regions: MaybeUndefined<RegionChangesInput>,
    /// Move to this task; its project comes along, and both tasks are counted anew. For managers of both
    /// projects.
    task_id: MaybeUndefined<ID>,
    /// The project of the task. An annotation can't be in another project than its task: anything else is
    /// refused as PROJECT_MISMATCH.
    project_id: MaybeUndefined<ID>,
    /// The author. For managers.
    completed_by_id: MaybeUndefined<ID>,
    /// Who stands as the last updater; you, unless given. For managers.
    updated_by_id: MaybeUndefined<ID>,
    /// The task was skipped: the annotation does not count as one.
    was_cancelled: MaybeUndefined<bool>,
    /// Make it the task's ground truth, which takes that from the one that was, or no longer. For
    /// reviewers and managers.
    ground_truth: MaybeUndefined<bool>,
    /// How long it took, in seconds: finite, zero or more. `null` clears it.
    lead_time: MaybeUndefined<f64>,
    /// The version that the change was made to. When the annotation is at another one, `onConflict` decides.
    expected_version: MaybeUndefined<i32>,
    /// What becomes of the change when the annotation moved on since `expectedVersion`: REJECT unless given.
    on_conflict: MaybeUndefined<ConflictPolicy>,
}

/// Edits of single regions of a result; all others keep their text.
///
/// A region is addressed by its `id`. Where ids repeat, because a control says something about a region in
/// an entry of its own (`perRegion`), an entry is addressed by `id` and `from_name`; a relation, which has
/// no id, by `from_id` and `to_id`. `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct RegionChangesInput {
    /// Entries as they are to be. Each takes the place of the one with the same `id` and `from_name`, a
    /// relation that of the one with the same ends; without one, it comes last.
    upsert: MaybeUndefined<Vec<JsonObject>>,
    /// Ids of regions to remove, with every entry that repeats the id and every relation that ends at it.
    /// One that is not there is UNKNOWN_REGION.
    remove: MaybeUndefined<Vec<ID>>,
    /// Single entries to remove. One that is not there is UNKNOWN_REGION.
    remove_entries: MaybeUndefined<Vec<RegionEntryInput>>,
}

/// One entry among those that share a region's id.
#[derive(InputObject)]
pub struct RegionEntryInput {
    /// The region's `id` in `result`.
    region_id: ID,
    /// The control that the entry is from, its `from_name`.
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

/// What becomes of a change of an annotation that moved on since the change was made.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "annotation::ConflictPolicy")]
pub enum ConflictPolicy {
    /// It is refused with CONFLICT.
    Reject,
    /// It is brought into the newest version: a field or region that one side alone changed is as that side
    /// left it. What both changed, each in its own way, is CONFLICT with `clashingFields` and
    /// `clashingRegions`. Needs `expectedVersion`.
    Merge,
}

impl From<UpdateAnnotationInput> for annotation::Change {
    fn from(input: UpdateAnnotationInput) -> Self {
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

/// Absent is not null.
pub fn patch<T, U>(value: MaybeUndefined<T>, convert: impl FnOnce(T) -> U) -> Patch<U> {
    match value {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Null,
        MaybeUndefined::Value(value) => Patch::Set(convert(value)),
    }
}

/// A new annotation. What is left out or `null` takes its default.
#[derive(InputObject)]
pub struct CreateAnnotationInput {
    /// The regions. Each is an object; its `id`, when it has one, is a string.
    result: Vec<JsonObject>,
    /// The author; you, unless given. Somebody else: for managers.
    completed_by_id: Option<ID>,
    /// The task was skipped: the annotation does not count as one. False unless given.
    was_cancelled: Option<bool>,
    /// Make it the task's ground truth, which takes that from the one that was. False unless given. For
    /// reviewers and managers.
    ground_truth: Option<bool>,
    /// How long it took, in seconds: finite, zero or more.
    lead_time: Option<f64>,
    /// Random unless given; one that is taken is refused as ALREADY_TAKEN.
    unique_id: Option<Uuid>,
    /// The prediction of the same task that it begins as.
    parent_prediction_id: Option<ID>,
    /// The annotation of the same task that it begins as.
    parent_annotation_id: Option<ID>,
}

impl From<CreateAnnotationInput> for annotation::New {
    fn from(input: CreateAnnotationInput) -> Self {
        let id = |id: Option<ID>| id.map(|id| id::reference(&id));
        Self {
            result: list_text(&input.result),
            completed_by_id: id(input.completed_by_id),
            was_cancelled: input.was_cancelled.unwrap_or(false),
            ground_truth: input.ground_truth.unwrap_or(false),
            lead_time: input.lead_time,
            unique_id: input.unique_id.map(|id| id.0),
            parent_prediction_id: id(input.parent_prediction_id),
            parent_annotation_id: id(input.parent_annotation_id),
            draft_created_at: None,
        }
    }
}
