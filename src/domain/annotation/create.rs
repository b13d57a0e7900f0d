//! `createAnnotation`: from nothing, from a prediction, or from another annotation of the task.

use chrono::{DateTime, Utc};
use entity::annotation::{self, Action};
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::{
    check_lead_time,
    facts::{Facts, PendingCreate},
    plan::{self, Outcome, Plan},
    result_validation, unknown, unsigned,
};
use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        task as tasks,
    },
    error::{Error, Problem, ProblemCode, Result},
};

/// A new annotation.
#[derive(Debug, Default)]
pub struct New {
    /// The list of regions, JSON text.
    pub result: String,
    /// Its author; the actor unless a manager names somebody else.
    pub completed_by_id: Option<i64>,
    pub was_cancelled: bool,
    pub ground_truth: bool,
    /// Seconds.
    pub lead_time: Option<f64>,
    /// Random unless given.
    pub unique_id: Option<Uuid>,
    /// The prediction of the same task that it began as.
    pub parent_prediction_id: Option<i64>,
    /// The annotation of the same task that it began as.
    pub parent_annotation_id: Option<i64>,
    /// When the draft that it comes from was created.
    pub draft_created_at: Option<DateTime<Utc>>,
}

/// Creates an annotation of a task; for a trial, answers with it as it would be, without an id, and nothing
/// is written.
pub async fn create(
    app: &App,
    actor: &Actor,
    task_id: i64,
    new: New,
    is_trial: bool,
) -> Result<annotation::Model> {
    let region_count = check_input(&new)?;
    let txn = app.db.begin().await?;
    let visible = tasks::visible_id(actor, task_id);
    let task = tasks::lock(&txn, visible).await?.pop();
    let pending = PendingCreate {
        task: task.ok_or(Error::NotFound("task"))?,
        new,
        region_count,
    };
    let outcome = create_locked(app, &txn, actor, pending, is_trial).await;
    plan::conclude(txn, outcome).await
}

/// Creates an annotation of a task that is ours until the transaction ends. By itself its input is right.
pub async fn create_locked(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    pending: PendingCreate,
    is_trial: bool,
) -> Result<Outcome> {
    let pendings = [pending];
    let (facts, ground_truths) = Facts::for_creates(app, txn, actor, &pendings).await?;
    let mut plan = Plan::new(actor, ground_truths, facts.configs());
    let [pending] = pendings;
    let row = decide(actor, &facts, &mut plan, pending)?;
    if is_trial {
        return Ok(Outcome::Unchanged(row));
    }
    let written = plan.write(txn).await?.pop();
    Ok(Outcome::Changed(written.unwrap_or(row)))
}

/// Takes a new annotation into the plan when it is allowed and right. Answers with it as it is to be.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan<'_>,
    pending: PendingCreate,
) -> Result<annotation::Model> {
    let PendingCreate {
        task,
        new,
        region_count,
    } = pending;
    let role = facts.role(task.project_id);
    let role = role.ok_or(Error::NotFound("task"))?;
    access::require(
        access::may_annotate(role),
        "you may read this project but not annotate in it",
    )?;
    access::require(
        !new.ground_truth || access::may_set_ground_truth(role),
        "the ground truth is set by reviewers and managers",
    )?;
    access::require(
        new.completed_by_id.is_none_or(|id| id == actor.id()) || access::may_manage(role),
        "authorship is changed by managers",
    )?;
    let mut problems = check_references(facts, task.id, &new);
    problems.extend(result_validation::validate_new(facts.context(&task), &new));
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
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
        draft_created_at: new.draft_created_at,
        import_id: None,
        parent_prediction_id: new.parent_prediction_id,
        parent_annotation_id: new.parent_annotation_id,
        version: 1,
        extra: None,
    };
    plan.create(task, row.clone(), action)?;
    Ok(row)
}

/// All problems that need no database. Answers with the number of regions.
pub fn check_input(new: &New) -> Result<usize> {
    let at = ["input".into(), "result".into()];
    let checked = json_fidelity::check_result(&new.result, &at);
    let lead_time = check_lead_time(new.lead_time, ["input", "leadTime"]);
    match (checked, lead_time) {
        (Ok(region_count), None) => Ok(region_count),
        (checked, lead_time) => {
            let mut problems = checked.err().unwrap_or_default();
            problems.extend(lead_time);
            Err(Error::BadInput(problems))
        }
    }
}

/// All problems of references.
fn check_references(facts: &Facts, task_id: i64, new: &New) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(id) = new.completed_by_id
        && !facts.visible_users.contains(&id)
    {
        problems.push(unknown(["input", "completedById"], "user"));
    }
    let parents = [
        (
            "parentPredictionId",
            "prediction",
            new.parent_prediction_id,
            &facts.prediction_tasks,
        ),
        (
            "parentAnnotationId",
            "annotation",
            new.parent_annotation_id,
            &facts.annotation_tasks,
        ),
    ];
    for (field, noun, id, tasks) in parents {
        let Some(id) = id else { continue };
        match tasks.get(&id) {
            None => problems.push(unknown(["input", field], noun)),
            Some(other) if *other != task_id => problems.push(Problem::new(
                ["input", field],
                ProblemCode::TaskMismatch,
                format!("the {noun} belongs to another task"),
            )),
            Some(_) => {}
        }
    }
    if new
        .unique_id
        .is_some_and(|id| facts.used_unique_ids.contains(&id))
    {
        problems.push(taken());
    }
    problems
}

/// The problem of a unique id that is in use.
pub fn taken() -> Problem {
    Problem::new(
        ["input", "uniqueId"],
        ProblemCode::AlreadyTaken,
        "an annotation with this unique id exists already",
    )
}
