//! What a request is going to write, whoever made it up: rows, revisions, counters and what follows from them.

mod write;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action, Column},
    annotation_revision::{self, Event},
    task,
};
use label_studio::config::Config;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};

pub use self::write::tombstone;
use super::{
    Change, OwnDrafts,
    apply::{action, apply},
    lock::Locked,
    new_result::NewResult,
    touch,
};
use crate::{
    db::WriteTxn,
    domain::{
        Patch,
        access::Actor,
        history::{self, Changes},
    },
    error::Result,
    instant,
};

/// The ground truths of tasks, by task.
pub type GroundTruthByTask = HashMap<i64, annotation::Model>;

/// Changes that are allowed and right, and not written yet. Each stands on those before it.
pub struct Plan<'a> {
    actor: &'a Actor,
    at: DateTime<Utc>,
    ground_truths: GroundTruthByTask,
    /// Labelling configs by project.
    configs: HashMap<i64, Arc<Config>>,
    rows: BTreeMap<i64, Planned>,
    new: Vec<(annotation::Model, Action)>,
    deleted: Vec<annotation::Model>,
    restored: Vec<annotation::Model>,
    revisions: Vec<annotation_revision::ActiveModel>,
    /// Annotations that go to another task.
    moved: Vec<i64>,
    /// Annotations of which the actor's own drafts go.
    submitted_drafts_of: Vec<i64>,
    /// Tasks whose annotations change, and whether those have to be counted anew.
    tasks: BTreeMap<i64, (task::Model, bool)>,
}

/// A row as it is stored, and as it is to be.
struct Planned {
    before: annotation::Model,
    after: annotation::Model,
}

/// What came of a request about one annotation.
pub enum Outcome {
    /// Nothing was written.
    Unchanged(annotation::Model),
    /// Something was, if only that drafts went.
    Changed(annotation::Model),
}

impl Outcome {
    pub fn into_row(self) -> annotation::Model {
        match self {
            Self::Unchanged(row) | Self::Changed(row) => row,
        }
    }
}

/// Ends the transaction of a change: what changed nothing leaves nothing behind.
pub async fn conclude(txn: WriteTxn, outcome: Result<Outcome>) -> Result<annotation::Model> {
    match outcome {
        Ok(Outcome::Changed(row)) => {
            txn.commit().await?;
            Ok(row)
        }
        Ok(Outcome::Unchanged(row)) => {
            txn.rollback().await?;
            Ok(row)
        }
        Err(refusal) => {
            txn.rollback().await?;
            Err(refusal)
        }
    }
}

/// Reads the ground truths of locked tasks.
pub async fn ground_truths(
    txn: &DatabaseTransaction,
    task_ids: &[i64],
) -> Result<GroundTruthByTask> {
    if task_ids.is_empty() {
        return Ok(GroundTruthByTask::new());
    }
    let rows = annotation::Entity::find()
        .filter(Column::TaskId.is_in(task_ids.iter().copied()))
        .filter(Expr::col((annotation::Entity, Column::GroundTruth)))
        .all(txn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.task_id, row)).collect())
}

impl<'a> Plan<'a> {
    /// `ground_truths` are those of all tasks that get another one.
    /// `configs` are those of all projects in which results change.
    pub fn new(
        actor: &'a Actor,
        ground_truths: GroundTruthByTask,
        configs: HashMap<i64, Arc<Config>>,
    ) -> Self {
        Self {
            actor,
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
            tasks: BTreeMap::new(),
        }
    }

    /// Nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.submitted_drafts_of.is_empty()
    }

    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// An annotation as it is to be, when something before has changed it.
    pub fn row(&self, id: i64) -> Option<&annotation::Model> {
        self.rows.get(&id).map(|planned| &planned.after)
    }

    /// How many versions of each annotation the plan makes.
    pub fn version_bumps(&self) -> impl Iterator<Item = (i64, i32)> {
        let version_bumps = |planned: &Planned| planned.after.version - planned.before.version;
        self.rows
            .iter()
            .map(move |(id, planned)| (*id, version_bumps(planned)))
    }

    /// Changes an annotation. A change that changes nothing is none.
    pub fn change(
        &mut self,
        locked: Locked,
        change: &Change,
        new_result: Option<NewResult>,
    ) -> Result<annotation::Model> {
        let Locked {
            task,
            annotation: before,
            target,
        } = locked;
        let target =
            target.filter(|target| change.task_id.is_sent() && target.id != before.task_id);
        let mut row = before.clone();
        let mut changes = apply(&mut row, change, target.as_ref(), new_result);
        if let Some(review) = &change.review {
            changes.review(review.comment.as_deref());
        }
        let drafts_go = match change.own_drafts {
            OwnDrafts::Keep => false,
            OwnDrafts::GoWithAChange => !changes.is_empty(),
            OwnDrafts::Go => true,
        };
        if drafts_go {
            self.submitted_drafts_of.push(row.id);
        }
        if changes.is_empty() {
            return Ok(row);
        }
        row.draft_created_at = change.draft_created_at.or(row.draft_created_at);
        let review = change.review.as_ref().map(|review| review.action);
        let action = review.unwrap_or_else(|| action(&row, &changes));
        touch(&mut row, self.actor.id(), action, self.at);
        if let Patch::Set(id) = change.updated_by_id {
            row.updated_by_id = Some(id);
        }
        let moves = changes.has("task");
        if row.ground_truth && (changes.has("groundTruth") || moves) {
            self.clear_ground_truth(row.task_id, row.id)?;
        }
        let recount = moves || changes.has("wasCancelled") || changes.has("completedBy");
        self.revise(&row, Event::Updated, action, changes)?;
        if moves {
            self.moved.push(row.id);
        }
        for task in [Some(task), target].into_iter().flatten() {
            self.touch_task(task, recount);
        }
        self.put(before, row.clone());
        Ok(row)
    }

    /// Brings a new annotation into a task; it has no id before it is written.
    pub fn create(
        &mut self,
        task: task::Model,
        row: annotation::Model,
        action: Action,
    ) -> Result<()> {
        if row.ground_truth {
            self.clear_ground_truth(row.task_id, row.id)?;
        }
        self.touch_task(task, true);
        self.new.push((row, action));
        Ok(())
    }

    /// Takes an annotation away; its history stays and ends with a tombstone. Answers with it as it is there.
    pub fn delete(&mut self, locked: Locked) -> Result<annotation::Model> {
        let Locked {
            task,
            annotation: mut row,
            ..
        } = locked;
        let action = row.last_action.unwrap_or(Action::Updated);
        touch(&mut row, self.actor.id(), action, self.at);
        self.revise(&row, Event::Deleted, action, Changes::default())?;
        self.touch_task(task, true);
        self.deleted.push(row.clone());
        Ok(row)
    }

    /// Brings a deleted annotation back with its old id.
    pub fn undelete(
        &mut self,
        task: task::Model,
        row: annotation::Model,
        action: Action,
        changes: Changes,
    ) -> Result<()> {
        if row.ground_truth {
            self.clear_ground_truth(row.task_id, row.id)?;
        }
        self.revise(&row, Event::Restored, action, changes)?;
        self.touch_task(task, true);
        self.restored.push(row);
        Ok(())
    }

    /// Takes the ground truth away from the task's other annotation, with a revision of its own.
    fn clear_ground_truth(&mut self, task_id: i64, keep: i64) -> Result<()> {
        let is_other =
            |row: &annotation::Model| row.ground_truth && row.task_id == task_id && row.id != keep;
        // One that the plan has touched is what the plan makes of it.
        let stored = self.ground_truths.remove(&task_id);
        let stored = stored.filter(|row| !self.rows.contains_key(&row.id));
        let planned = self.rows.values().map(|planned| &planned.after);
        let planned = planned.chain(stored.as_ref()).find(|row| is_other(row));
        if let Some(before) = planned.cloned() {
            let mut other = before.clone();
            other.ground_truth = false;
            touch(&mut other, self.actor.id(), Action::Updated, self.at);
            let mut changes = Changes::default();
            changes.field("groundTruth", false);
            self.revise(&other, Event::Updated, Action::Updated, changes)?;
            self.put(before, other);
        }
        for (row, _) in &mut self.new {
            // A new one has no history yet in which to lose it.
            row.ground_truth &= row.task_id != task_id;
        }
        Ok(())
    }

    fn revise(
        &mut self,
        row: &annotation::Model,
        event: Event,
        action: Action,
        changes: Changes,
    ) -> Result<()> {
        let revision = history::revision(row, event, action, self.actor.id(), self.at, changes)?;
        self.revisions.push(revision);
        Ok(())
    }

    fn touch_task(&mut self, task: task::Model, recount: bool) {
        let (_, recounts) = self.tasks.entry(task.id).or_insert((task, false));
        *recounts |= recount;
    }

    fn put(&mut self, before: annotation::Model, after: annotation::Model) {
        match self.rows.get_mut(&after.id) {
            Some(planned) => planned.after = after,
            None => {
                self.rows.insert(after.id, Planned { before, after });
            }
        }
    }
}
