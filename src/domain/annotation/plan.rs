//! Plan: rows to write for accepted commands. The single place where rows, revisions, counters, drafts and reviews
//! are derived from each other.

mod drafts;
mod ground_truths;
mod group;
mod reviews;
mod write;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action},
    annotation_draft, annotation_review,
    annotation_revision::{self, Event},
    task,
};

pub use self::write::tombstone;
use super::{
    apply::{self, touch},
    command::{Change, OwnDrafts, SubmittedDraft},
    facts::GroundTruthByTask,
    lock::Locked,
    new_result::NewResult,
};
use crate::{
    domain::{
        Patch,
        access::Actor,
        history::{self, Changes},
        task::TouchedTask,
    },
    error::{Error, Problem, ProblemCode, Result},
    instant,
};
use label_studio::config::Config;

/// Accepted changes that are not yet written. Each change builds on the changes before.
pub struct Plan {
    at: DateTime<Utc>,
    ground_truths: GroundTruthByTask,
    /// Labelling configs by project.
    configs: HashMap<i64, Arc<Config>>,
    rows: BTreeMap<i64, Planned>,
    new: Vec<NewRow>,
    deleted: Vec<annotation::Model>,
    restored: Vec<annotation::Model>,
    revisions: Vec<annotation_revision::ActiveModel>,
    /// Annotations that move to a different task.
    moved: Vec<i64>,
    /// Annotations of which a user's own drafts are deleted, each with the user.
    submitted_drafts_of: Vec<(i64, i64)>,
    /// Submitted drafts, to delete.
    consumed_drafts: Vec<i64>,
    /// Deleted annotations whose results become drafts, each with the user who gets the draft.
    new_drafts: Vec<(annotation::Model, i64)>,
    reviews: Vec<PlannedReview>,
    /// Tasks whose annotations change.
    tasks: BTreeMap<i64, TouchedTask>,
}

/// Row as stored, and as changed by the plan.
struct Planned {
    /// Stored row, with its result only if replaced: `after` has the result otherwise, which can have megabytes.
    before: annotation::Model,
    after: annotation::Model,
    has_new_result: bool,
}

/// New annotation, whose id is assigned on writing.
struct NewRow {
    row: annotation::Model,
    action: Action,
    actor_id: i64,
}

/// Verdict of a reviewer on an annotation.
enum PlannedReview {
    Record(annotation_review::ActiveModel),
    Retract {
        annotation_id: i64,
        reviewer_id: i64,
    },
}

/// Rows as a plan leaves them.
pub struct PlannedRows {
    /// New annotations, in the order of their commands.
    pub created: Vec<annotation::Model>,
    /// Changed and restored annotations.
    pub changed: Vec<annotation::Model>,
    /// Drafts that annotations were converted to, in the order of their commands.
    pub drafts: Vec<annotation_draft::Model>,
}

/// Builds the problem of a unique id that is in use.
pub fn used_unique_id() -> Problem {
    Problem::new(
        ["input", "uniqueId"],
        ProblemCode::AlreadyTaken,
        "an annotation with this unique id exists already",
    )
}

/// Builds the refusal of a restoration whose unique id is in use.
pub fn unique_id_taken() -> Error {
    let message = "another annotation has taken its unique id since it was deleted";
    Problem::new(["id"], ProblemCode::AlreadyTaken, message).into()
}

/// Copies a row, and leaves its result in place.
fn copy_without_result(row: &mut annotation::Model) -> annotation::Model {
    let result = std::mem::take(&mut row.result);
    let copy = row.clone();
    row.result = result;
    copy
}

/// Ends the history of a row about to be deleted: raises its version, and returns the revision of the deletion.
pub fn end_history(
    row: &mut annotation::Model,
    actor_id: i64,
    at: DateTime<Utc>,
) -> Result<annotation_revision::ActiveModel> {
    let action = row.last_action.unwrap_or(Action::Updated);
    touch(row, actor_id, action, at);
    history::revision(
        row,
        Event::Deleted,
        action,
        Some(actor_id),
        at,
        Changes::default(),
    )
}

impl Plan {
    /// `ground_truths` are the current ground truths of all tasks that get a new ground truth.
    /// `configs` are those of all projects in which results change.
    pub fn new(ground_truths: GroundTruthByTask, configs: HashMap<i64, Arc<Config>>) -> Self {
        Self {
            at: instant::now(),
            ground_truths,
            configs,
            rows: BTreeMap::new(),
            new: Vec::new(),
            deleted: Vec::new(),
            restored: Vec::new(),
            revisions: Vec::new(),
            moved: Vec::new(),
            submitted_drafts_of: Vec::new(),
            consumed_drafts: Vec::new(),
            new_drafts: Vec::new(),
            reviews: Vec::new(),
            tasks: BTreeMap::new(),
        }
    }

    /// Says whether the plan writes nothing.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
            && self.submitted_drafts_of.is_empty()
            && self.consumed_drafts.is_empty()
    }

    /// Time of the request, recorded in each of its revisions.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Brings a locked annotation up to date with earlier commands, which may have taken its ground truth. The result
    /// stays: a request names an annotation once, so no earlier command replaced the result.
    pub fn update_locked(&mut self, locked: &mut Locked) {
        let Some(planned) = self.rows.get_mut(&locked.annotation.id) else {
            return;
        };
        let mut row = copy_without_result(&mut planned.after);
        row.result = std::mem::take(&mut locked.annotation.result);
        locked.version_bumps += row.version - locked.annotation.version;
        locked.annotation = row;
    }

    /// Returns the rows as they would be, and writes nothing.
    pub fn unwritten(self) -> PlannedRows {
        let changed = self.rows.into_values().map(|planned| planned.after);
        PlannedRows {
            created: self.new.into_iter().map(|new| new.row).collect(),
            changed: changed.chain(self.restored).collect(),
            drafts: Vec::new(),
        }
    }

    /// Lists the number of versions that the plan adds to each annotation.
    pub fn version_bumps(&self) -> impl Iterator<Item = (i64, i32)> {
        let version_bumps = |planned: &Planned| planned.after.version - planned.before.version;
        self.rows
            .iter()
            .map(move |(id, planned)| (*id, version_bumps(planned)))
    }

    /// Changes an annotation. A change without an effect writes nothing, except for deleting drafts.
    ///
    /// Returns the new row; the plan keeps the result of a changed row.
    pub fn change(
        &mut self,
        actor: &Actor,
        locked: Locked,
        change: Change,
        new_result: Option<NewResult>,
    ) -> Result<annotation::Model> {
        let Locked {
            task,
            annotation: mut row,
            target,
            ..
        } = locked;
        // A move to the present task is no move.
        let target = target.filter(|target| change.task_id.is_sent() && target.id != row.task_id);
        // Kept for the search index, which compares the old result with the new.
        let replaced = new_result.as_ref().map(|_| std::mem::take(&mut row.result));
        let before = copy_without_result(&mut row);
        let mut changes = apply::apply(&mut row, &change, target.as_ref(), new_result);
        if let Some(review) = &change.review {
            changes.review(review.comment.as_deref());
        }
        let drafts_go = match change.own_drafts {
            OwnDrafts::Keep => false,
            OwnDrafts::GoWithAChange => !changes.is_empty(),
            OwnDrafts::Go => true,
        };
        if drafts_go {
            self.submitted_drafts_of.push((row.id, actor.id()));
        }
        // A submitted draft goes in any case: its content is part of the annotation, even if nothing changed.
        self.consumed_drafts
            .extend(change.draft.map(|draft| draft.id));
        // No revision for a change without an effect: versions count accepted changes.
        if changes.is_empty() {
            return Ok(row);
        }
        if let Some(draft) = change.draft {
            row.draft_created_at = Some(draft.created_at);
        }
        let review = change.review.as_ref().map(|review| review.action.action());
        let action = review.unwrap_or_else(|| apply::action(&row, &changes));
        touch(&mut row, actor.id(), action, self.at);
        // A named updater replaces the actor, whom `touch` has recorded.
        if let Patch::Set(id) = change.updated_by_id {
            row.updated_by_id = Some(id);
        }
        let moves = changes.has("task");
        // The unique index allows a single ground truth per task, so the previous ground truth loses the flag.
        if row.ground_truth && (changes.has("groundTruth") || moves) {
            self.clear_ground_truth(actor, row.task_id, row.id)?;
        }
        // Only these changes move a task's counters (`docs/decisions/0004-locks.md`).
        let recount = moves || changes.has("wasCancelled") || changes.has("completedBy");
        self.revise(actor.id(), &row, Event::Updated, action, changes)?;
        if moves {
            self.moved.push(row.id);
        }
        if let Some(review) = change.review {
            self.review(actor, &row, review);
        }
        for task in [Some(task), target].into_iter().flatten() {
            self.touch_task(actor, task, recount);
        }
        let answer = copy_without_result(&mut row);
        self.put(before, replaced, row);
        Ok(answer)
    }

    /// Plans a new annotation of a task; its id is assigned on writing. Returns the row without its result, which the
    /// plan keeps.
    pub fn create(
        &mut self,
        actor: &Actor,
        task: task::Model,
        mut row: annotation::Model,
        action: Action,
        draft: Option<SubmittedDraft>,
    ) -> Result<annotation::Model> {
        if row.ground_truth {
            self.clear_ground_truth(actor, row.task_id, row.id)?;
        }
        self.consumed_drafts.extend(draft.map(|draft| draft.id));
        self.touch_task(actor, task, true);
        let answer = copy_without_result(&mut row);
        self.new.push(NewRow {
            row,
            action,
            actor_id: actor.id(),
        });
        Ok(answer)
    }

    /// Deletes an annotation; the history stays and ends with a tombstone. Keeps the result as a draft of the actor
    /// on request. Returns the row at the version of the deletion, without its result, which neither revision nor
    /// tombstone stores.
    pub fn delete(
        &mut self,
        actor: &Actor,
        locked: Locked,
        into_draft: bool,
    ) -> Result<annotation::Model> {
        let Locked {
            task,
            annotation: mut row,
            ..
        } = locked;
        let revision = end_history(&mut row, actor.id(), self.at)?;
        self.revisions.push(revision);
        self.touch_task(actor, task, true);
        // Changes by earlier commands are kept in their revisions.
        self.rows.remove(&row.id);
        let answer = copy_without_result(&mut row);
        self.deleted.push(answer.clone());
        if into_draft {
            self.new_drafts.push((row, actor.id()));
        }
        Ok(answer)
    }

    /// Undeletes an annotation under its old id, in place of its tombstone. Returns the row without its result, which
    /// the plan keeps.
    pub fn undelete(
        &mut self,
        actor: &Actor,
        task: task::Model,
        mut row: annotation::Model,
        changes: Changes,
    ) -> Result<annotation::Model> {
        let action = apply::action(&row, &changes);
        touch(&mut row, actor.id(), action, self.at);
        if row.ground_truth {
            self.clear_ground_truth(actor, row.task_id, row.id)?;
        }
        self.revise(actor.id(), &row, Event::Restored, action, changes)?;
        self.touch_task(actor, task, true);
        let answer = copy_without_result(&mut row);
        self.restored.push(row);
        Ok(answer)
    }

    fn revise(
        &mut self,
        actor_id: i64,
        row: &annotation::Model,
        event: Event,
        action: Action,
        changes: Changes,
    ) -> Result<()> {
        let revision = history::revision(row, event, action, Some(actor_id), self.at, changes)?;
        self.revisions.push(revision);
        Ok(())
    }

    fn touch_task(&mut self, actor: &Actor, task: task::Model, recount: bool) {
        let touched = self.tasks.entry(task.id).or_insert(TouchedTask {
            task,
            recount: false,
            actor_id: actor.id(),
        });
        touched.recount |= recount;
        touched.actor_id = actor.id();
    }

    /// Puts a changed row into the plan. `replaced` is the stored result if the change has a new result.
    fn put(
        &mut self,
        before: annotation::Model,
        replaced: Option<String>,
        after: annotation::Model,
    ) {
        let has_new_result = replaced.is_some();
        // A row that lost its ground truth before keeps the stored row that it was compared with.
        let before = self.rows.remove(&after.id).map_or(before, |it| it.before);
        let planned = Planned {
            before: annotation::Model {
                result: replaced.unwrap_or_default(),
                ..before
            },
            after,
            has_new_result,
        };
        self.rows.insert(planned.after.id, planned);
    }
}
