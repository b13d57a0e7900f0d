//! `updateAnnotation`: change what is sent, keep what is not, and leave no trace when refused.

use chrono::{DateTime, Utc};
use entity::annotation::{self, Action};
use sea_orm::DatabaseTransaction;

use super::{
    check_lead_time, conflict,
    facts::{Facts, PendingUpdate},
    lock::{self, Locked},
    new_result,
    plan::{self, Outcome, Plan},
    result_validation, unknown,
};
use crate::{
    app::App,
    domain::{
        Patch,
        access::{self, Actor},
        not_cleared,
    },
    error::{Error, Problem, ProblemCode, Result},
};

/// A change of an annotation. What is kept stays as it is; only `lead_time` can be cleared; a
/// restoration clears the author too.
#[derive(Debug, Default)]
pub struct Change {
    /// The whole new list of regions, JSON text.
    pub result: Patch<String>,
    /// Edits of single regions, instead of the whole list.
    pub regions: Patch<RegionChanges>,
    /// The task to move to; its project comes along.
    pub task_id: Patch<i64>,
    /// Never a change of its own: refused unless it is the project of the task.
    pub project_id: Patch<i64>,
    pub completed_by_id: Patch<i64>,
    /// Who stands as the last updater; the actor when kept.
    pub updated_by_id: Patch<i64>,
    pub was_cancelled: Patch<bool>,
    /// `true` takes the ground truth away from the task's other annotation.
    pub ground_truth: Patch<bool>,
    /// Seconds.
    pub lead_time: Patch<f64>,
    /// The version that the change was made to.
    pub expected_version: Patch<i32>,
    /// What becomes of the change when the annotation moved on since; it is refused when kept.
    pub on_conflict: Patch<ConflictPolicy>,
    /// When the draft that it comes from was created.
    pub draft_created_at: Option<DateTime<Utc>>,
    pub own_drafts: OwnDrafts,
    /// What a reviewer says of it: a change by itself.
    pub review: Option<ReviewNote>,
}

/// What the history keeps of a review.
#[derive(Debug)]
pub struct ReviewNote {
    pub action: Action,
    pub comment: Option<String>,
}

/// What becomes of the actor's own drafts of an annotation that they change. Other people's always stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnDrafts {
    Keep,
    /// They go when anything changes.
    #[default]
    GoWithAChange,
    /// They go, even if nothing changes: what they became is handed in.
    Go,
}

/// Edits of single regions of a result; absent is not null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionChanges {
    pub upsert: Patch<Vec<String>>,
    pub remove: Patch<Vec<String>>,
    /// Region ids, each with a control.
    pub remove_entries: Patch<Vec<(String, String)>>,
}

/// What becomes of a change that was made to an older version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    #[default]
    Reject,
    /// It is merged, by field and by region, unless both touched the same.
    Merge,
}

/// Changes an annotation and answers with it as it is then; for a trial, as it would be, and nothing is
/// written.
///
/// A change that changes nothing is accepted and leaves everything as it is, the version too. The actor's own
/// drafts of the annotation go with a change, and with any result that is handed in.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: i64,
    change: Change,
    is_trial: bool,
) -> Result<annotation::Model> {
    check_input(&change)?;
    let target = change.task_id.value().copied();
    let (txn, locked) = lock::begin(app, actor, id, target).await?;
    let outcome = change_locked(app, &txn, actor, change, locked, is_trial).await;
    plan::conclude(txn, outcome).await
}

/// Changes an annotation that is ours until the transaction ends. By itself the change is right.
pub async fn change_locked(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    change: Change,
    locked: Locked,
    is_trial: bool,
) -> Result<Outcome> {
    let pending = [PendingUpdate {
        locked,
        change,
        version_bumps: 0,
    }];
    let (facts, ground_truths) = Facts::for_updates(app, txn, actor, &pending).await?;
    let mut plan = Plan::new(actor, ground_truths, facts.configs());
    let [pending] = pending;
    let row = decide(actor, &facts, &mut plan, pending)?;
    if is_trial || plan.is_empty() {
        return Ok(Outcome::Unchanged(row));
    }
    plan.write(txn).await?;
    Ok(Outcome::Changed(row))
}

/// Takes a change into the plan when it is allowed and right. Answers with the annotation as it is to be.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan<'_>,
    mut pending: PendingUpdate,
) -> Result<annotation::Model> {
    check_access(actor, facts, &pending)?;
    let base_version = facts.base_version(&pending);
    let PendingUpdate { locked, change, .. } = &mut pending;
    if change.makes_result() && change.own_drafts == OwnDrafts::GoWithAChange {
        change.own_drafts = OwnDrafts::Go;
    }
    let (new_result, mut problems) = conflict::resolve(
        &locked.annotation,
        change,
        base_version,
        &facts.visible_users,
    )?;
    let moves = change.task_id.is_sent();
    // A merge may have found that the move is none.
    if !moves {
        locked.target = None;
    }
    problems.extend(check_references(facts, change, locked));
    // Of a task that leads nowhere, nobody knows the config.
    if locked.target.is_some() || !moves {
        let task = locked.target.as_ref().unwrap_or(&locked.task);
        let (row, new_result) = (&locked.annotation, new_result.as_ref());
        problems.extend(result_validation::validate_update(
            facts.context(task),
            row,
            task,
            change,
            new_result,
        ));
    }
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    plan.change(pending.locked, &pending.change, new_result)
}

impl Change {
    /// Public names of the fields that were sent, as revisions name them.
    pub(super) fn sent(&self) -> Vec<&'static str> {
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

    /// A result, or edits of it, were sent.
    pub(super) fn makes_result(&self) -> bool {
        self.result.is_sent() || self.regions.is_sent()
    }
}

/// All problems that need no database.
pub fn check_input(change: &Change) -> Result<()> {
    let mut problems: Vec<Problem> = [
        ("result", change.result.is_null()),
        ("regions", change.regions.is_null()),
        ("taskId", change.task_id.is_null()),
        ("projectId", change.project_id.is_null()),
        ("completedById", change.completed_by_id.is_null()),
        ("updatedById", change.updated_by_id.is_null()),
        ("wasCancelled", change.was_cancelled.is_null()),
        ("groundTruth", change.ground_truth.is_null()),
        ("expectedVersion", change.expected_version.is_null()),
        ("onConflict", change.on_conflict.is_null()),
    ]
    .into_iter()
    .filter(|(_, null)| *null)
    .map(|(field, _)| not_cleared(&["input", field]))
    .collect();
    if let Some(text) = change.result.value() {
        let checked = json_fidelity::check_result(text, &["input".into(), "result".into()]);
        problems.extend(checked.err().unwrap_or_default());
    }
    if let Some(regions) = change.regions.value() {
        problems.extend(new_result::check_edits(regions));
        if change.result.is_sent() {
            problems.push(Problem::new(
                ["input", "regions"],
                ProblemCode::NotTogether,
                "send either the whole result or edits of its regions",
            ));
        }
    }
    if change.on_conflict == Patch::Set(ConflictPolicy::Merge)
        && change.expected_version == Patch::Keep
    {
        problems.push(Problem::new(
            ["input", "expectedVersion"],
            ProblemCode::Required,
            "a merge needs the version that the change was made to",
        ));
    }
    problems.extend(check_lead_time(
        change.lead_time.value().copied(),
        ["input", "leadTime"],
    ));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

fn check_access(actor: &Actor, facts: &Facts, pending: &PendingUpdate) -> Result<()> {
    let PendingUpdate { locked, change, .. } = pending;
    let annotation = &locked.annotation;
    let target = locked.target.as_ref();
    let target_role = target.and_then(|target| facts.role(target.project_id));
    let role = facts.role(annotation.project_id);
    let role = role.ok_or(Error::NotFound("annotation"))?;
    access::require(
        access::may_edit(actor, role, annotation),
        "you may change only annotations of your own in this project",
    )?;
    access::require(
        !change.ground_truth.is_sent() || access::may_set_ground_truth(role),
        "the ground truth is set by reviewers and managers",
    )?;
    access::require(
        !(change.completed_by_id.is_sent() || change.updated_by_id.is_sent())
            || access::may_manage(role),
        "authorship is changed by managers",
    )?;
    access::require(
        !change.task_id.is_sent()
            || (access::may_manage(role) && target_role.is_none_or(access::may_manage)),
        "annotations are moved by managers of both projects",
    )
}

/// All problems of references.
fn check_references(facts: &Facts, change: &Change, locked: &Locked) -> Vec<Problem> {
    let mut problems = Vec::new();
    let target = locked.target.as_ref();
    if change.task_id.is_sent() && target.is_none() {
        problems.push(unknown(["input", "taskId"], "task"));
    }
    // Of a task that leads nowhere, nobody knows the project.
    let destination = match target {
        None if change.task_id.is_sent() => None,
        target => Some(target.unwrap_or(&locked.task).project_id),
    };
    if let Some(project_id) = change.project_id.value().copied()
        && destination != Some(project_id)
    {
        if !facts.visible_projects.contains(&project_id) {
            problems.push(unknown(["input", "projectId"], "project"));
        } else if let Some(destination) = destination {
            problems.push(Problem::new(
                ["input", "projectId"],
                ProblemCode::ProjectMismatch,
                format!(
                    "the task belongs to project {destination}: an annotation changes its project by moving to a task of it",
                ),
            ));
        }
    }
    let people = [
        ("completedById", change.completed_by_id.value()),
        ("updatedById", change.updated_by_id.value()),
    ];
    for (field, id) in people {
        if id.is_some_and(|id| !facts.visible_users.contains(id)) {
            problems.push(unknown(["input", field], "user"));
        }
    }
    problems
}
