//! Commands: requests to write an annotation each, as plain data. Depends on no other module of this folder.

use chrono::{DateTime, Utc};
use entity::{annotation::Action, annotation_draft, annotation_review::Verdict};
use uuid::Uuid;

use crate::{domain::Patch, id};

/// Request to write an annotation.
#[derive(Debug)]
pub enum Command {
    Create {
        task_id: i64,
        new: New,
    },
    Update {
        id: i64,
        change: Change,
    },
    Delete {
        id: i64,
        expected_version: Option<i32>,
        /// Keeps the result as a draft of the actor's, for a new annotation of the task.
        into_draft: bool,
    },
    /// Restores the state of a version, of a live or a deleted annotation.
    Restore {
        id: i64,
        version: i32,
        expected_version: Option<i32>,
    },
    /// Creates an annotation from a draft, or updates the annotation that the draft belongs to.
    Submit {
        draft: DraftKey,
        submission: Submission,
    },
}

/// Content of a new annotation.
#[derive(Debug, Default)]
pub struct New {
    /// List of regions as JSON text.
    pub result: String,
    /// Author; the actor unless a manager names another user.
    pub completed_by_id: Option<i64>,
    pub was_cancelled: bool,
    pub ground_truth: bool,
    /// Seconds.
    pub lead_time: Option<f64>,
    /// Random unless given.
    pub unique_id: Option<Uuid>,
    /// Prediction of the same task that the annotation was copied from.
    pub parent_prediction_id: Option<i64>,
    /// Annotation of the same task that the annotation was copied from.
    pub parent_annotation_id: Option<i64>,
    /// Draft that becomes the annotation, and is deleted.
    pub draft: Option<SubmittedDraft>,
}

/// Change of an annotation. Absent fields keep their value; clients can clear only `lead_time`, a restoration also
/// the author.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The whole new list of regions as JSON text.
    pub result: Patch<String>,
    /// Edits of single regions, in place of the whole list.
    pub regions: Patch<RegionChanges>,
    /// Task to move to; the project follows.
    pub task_id: Patch<i64>,
    /// Never a change by itself: refused unless equal to the project of the task.
    pub project_id: Patch<i64>,
    pub completed_by_id: Patch<i64>,
    /// User recorded as the last updater; the actor when kept.
    pub updated_by_id: Patch<i64>,
    pub was_cancelled: Patch<bool>,
    /// `true` takes the ground truth from the annotation of the task that held it.
    pub ground_truth: Patch<bool>,
    /// Seconds.
    pub lead_time: Patch<f64>,
    /// Version that the change was made to.
    pub expected_version: Patch<i32>,
    /// Treatment of a stale write; refused when kept.
    pub on_conflict: Patch<ConflictPolicy>,
    /// Draft that becomes the change, and is deleted.
    pub draft: Option<SubmittedDraft>,
    pub own_drafts: OwnDrafts,
    /// Review of the annotation, which is a change by itself.
    pub review: Option<ReviewNote>,
}

/// Edits of single regions of a result; absent differs from null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionChanges {
    pub upsert: Patch<Vec<String>>,
    pub remove: Patch<Vec<String>>,
    /// Region ids, each with a control.
    pub remove_entries: Patch<Vec<(String, String)>>,
}

/// Treatment of a stale write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    #[default]
    Reject,
    /// Merges by field and by region, unless both sides changed the same field or region.
    Merge,
}

/// Deletion of the actor's own drafts of a changed annotation. Drafts of other users always stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnDrafts {
    Keep,
    /// Deletes the drafts if the command changes anything.
    #[default]
    GoWithAChange,
    /// Deletes the drafts even without a change: their content was submitted.
    Go,
}

/// Review of an annotation, as stored in the history.
#[derive(Clone, Debug)]
pub struct ReviewNote {
    pub action: ReviewAction,
    pub comment: Option<String>,
}

/// Actions of a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewAction {
    Accept,
    Reject,
    FixAndAccept,
    /// Retracts the reviewer's own verdict.
    DeleteReview,
}

/// Draft to submit, as found before any lock.
#[derive(Clone, Copy, Debug)]
pub struct DraftKey {
    pub id: i64,
    pub task_id: i64,
    /// `None` for a draft of a new annotation.
    pub annotation_id: Option<i64>,
}

/// Fields of an annotation that accompany the submission of a draft. Absent fields stay, or take their default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Submission {
    pub was_cancelled: Option<bool>,
    pub ground_truth: Option<bool>,
    /// Version that the draft was made to.
    pub expected_version: Option<i32>,
    pub on_conflict: Option<ConflictPolicy>,
}

/// Locked draft whose content a command holds.
#[derive(Clone, Copy, Debug)]
pub struct SubmittedDraft {
    pub id: i64,
    pub created_at: DateTime<Utc>,
}

impl Command {
    /// The annotation that the command names, or `None` for a new annotation, and for an id that no row has: such a
    /// command is not found, locks nothing, and repeats no other command.
    pub fn annotation_id(&self) -> Option<i64> {
        match self {
            Self::Create { .. } => None,
            Self::Update { id, .. } | Self::Delete { id, .. } | Self::Restore { id, .. } => {
                id::possible(*id)
            }
            Self::Submit { draft, .. } => draft.annotation_id,
        }
    }
}

impl Change {
    /// Lists the public names of the fields that were sent, as revisions name the fields.
    pub fn sent(&self) -> Vec<&'static str> {
        [
            ("result", self.makes_result()),
            ("task", self.task_id.is_sent()),
            ("project", self.project_id.is_sent()),
            ("completedBy", self.completed_by_id.is_sent()),
            ("updatedBy", self.updated_by_id.is_sent()),
            ("wasCancelled", self.was_cancelled.is_sent()),
            ("groundTruth", self.ground_truth.is_sent()),
            ("leadTime", self.lead_time.is_sent()),
        ]
        .into_iter()
        .filter_map(|(name, sent)| sent.then_some(name))
        .collect()
    }

    /// Says whether a result, or edits of a result, were sent.
    pub fn makes_result(&self) -> bool {
        self.result.is_sent() || self.regions.is_sent()
    }
}

impl ReviewAction {
    /// Returns the action of the revision that the review appends.
    pub fn action(self) -> Action {
        match self {
            Self::Accept => Action::Accepted,
            Self::Reject => Action::Rejected,
            Self::FixAndAccept => Action::FixedAndAccepted,
            Self::DeleteReview => Action::DeletedReview,
        }
    }

    /// Verdict that the review records, or `None` for a retraction.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Accept => Some(Verdict::Accepted),
            Self::Reject => Some(Verdict::Rejected),
            Self::FixAndAccept => Some(Verdict::FixedAndAccepted),
            Self::DeleteReview => None,
        }
    }
}

impl Submission {
    /// Builds the new annotation from a locked draft of a task.
    pub fn into_new(self, draft: annotation_draft::Model) -> New {
        New {
            draft: Some(SubmittedDraft::of(&draft)),
            result: draft.result,
            lead_time: draft.lead_time,
            was_cancelled: self.was_cancelled.unwrap_or(false),
            ground_truth: self.ground_truth.unwrap_or(false),
            ..New::default()
        }
    }

    /// Builds the change from a locked draft of an annotation. The change is stale unless the draft began at the
    /// current version.
    pub fn into_change(self, draft: annotation_draft::Model) -> Change {
        fn patch<T>(value: Option<T>) -> Patch<T> {
            value.map_or(Patch::Keep, Patch::Set)
        }
        Change {
            draft: Some(SubmittedDraft::of(&draft)),
            result: Patch::Set(draft.result),
            lead_time: patch(draft.lead_time),
            was_cancelled: patch(self.was_cancelled),
            ground_truth: patch(self.ground_truth),
            // The version at which the draft began is the base, unless the client names the version that it has seen
            // since.
            expected_version: patch(self.expected_version.or(draft.annotation_version)),
            on_conflict: patch(self.on_conflict),
            // The submission deletes all drafts of the author on this annotation: their content is now part of the
            // annotation.
            own_drafts: OwnDrafts::Go,
            ..Change::default()
        }
    }
}

impl SubmittedDraft {
    fn of(draft: &annotation_draft::Model) -> Self {
        Self {
            id: draft.id,
            created_at: draft.created_at,
        }
    }
}
