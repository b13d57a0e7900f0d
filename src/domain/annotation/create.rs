//! `createAnnotation`: from nothing, from a prediction, or from another annotation of the task.

use entity::{
    annotation::{self, Action},
    annotation_revision::Event,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    SqlErr,
};
use uuid::Uuid;

use super::{check_lead_time, clear_other_ground_truth, fit, index, unknown, unsigned};
use crate::{
    app::App,
    db,
    domain::{
        access::{self, Actor},
        history::{self, Changes},
        task as tasks, user,
    },
    error::{Error, Problem, ProblemCode, Result},
    labelstudio::document,
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
}

/// Creates an annotation of a task.
pub async fn create(app: &App, actor: &Actor, task_id: i64, new: New) -> Result<annotation::Model> {
    let region_count = check_input(&new)?;
    let txn = app.db.begin().await?;
    let visible = tasks::visible_id(actor, task_id);
    let task = tasks::lock(&txn, visible, None).await?.pop();
    let role = match &task {
        Some(task) => access::role_in(&txn, actor, task.project_id).await?,
        None => None,
    };
    let (Some(mut task), Some(role)) = (task, role) else {
        return Err(Error::NotFound("task"));
    };
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
    let mut problems = check_references(&txn, actor, task.id, &new).await?;
    problems.extend(fit::of_new(app, &txn, &task, &new).await?);
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }

    let at = db::now();
    if new.ground_truth {
        clear_other_ground_truth(&txn, actor, task.id, None, at).await?;
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
    let row = annotation::ActiveModel {
        unique_id: Set(new.unique_id.unwrap_or_else(Uuid::new_v4)),
        task_id: Set(task.id),
        project_id: Set(task.project_id),
        result: Set(new.result),
        region_count: Set(i32::try_from(region_count).unwrap_or(i32::MAX)),
        completed_by_id: Set(Some(new.completed_by_id.unwrap_or(actor.id()))),
        updated_by_id: Set(Some(actor.id())),
        last_created_by_id: Set(Some(actor.id())),
        last_action: Set(Some(action)),
        was_cancelled: Set(new.was_cancelled),
        ground_truth: Set(new.ground_truth),
        lead_time: Set(new.lead_time.map(unsigned)),
        created_at: Set(at),
        updated_at: Set(at),
        parent_prediction_id: Set(new.parent_prediction_id),
        parent_annotation_id: Set(new.parent_annotation_id),
        version: Set(1),
        ..Default::default()
    }
    .insert(&txn)
    .await
    .map_err(|error| match error.sql_err() {
        // Somebody took the id between our look and our insert.
        Some(SqlErr::UniqueConstraintViolation(_)) => taken().into(),
        _ => Error::from(error),
    })?;
    index::write(&txn, &[(None, &row)]).await?;
    let changes = Changes::of_new(&row);
    history::append(&txn, &row, Event::Created, action, actor.id(), at, changes).await?;
    tasks::touch(&txn, &mut task, actor, at, true).await?;
    txn.commit().await?;
    Ok(row)
}

/// All problems that need no database. Answers with the number of regions.
fn check_input(new: &New) -> Result<usize> {
    let at = ["input".into(), "result".into()];
    let checked = document::check_result(&new.result, &at);
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
async fn check_references(
    txn: &DatabaseTransaction,
    actor: &Actor,
    task_id: i64,
    new: &New,
) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    if let Some(id) = new.completed_by_id
        && !user::visible_ids(txn, actor, &[id]).await?.contains(&id)
    {
        problems.push(unknown(["input", "completedById"], "user"));
    }
    let mut parent = |field, noun, parent_task: Option<i64>| match parent_task {
        None => problems.push(unknown(["input", field], noun)),
        Some(other) if other != task_id => problems.push(Problem::new(
            ["input", field],
            ProblemCode::TaskMismatch,
            format!("the {noun} belongs to another task"),
        )),
        Some(_) => {}
    };
    if let Some(id) = new.parent_prediction_id {
        let row = access::visible_predictions(actor)
            .filter(entity::prediction::Column::Id.eq(id))
            .one(txn)
            .await?;
        parent(
            "parentPredictionId",
            "prediction",
            row.map(|row| row.task_id),
        );
    }
    if let Some(id) = new.parent_annotation_id {
        let row = access::visible_annotations(actor)
            .filter(annotation::Column::Id.eq(id))
            .one(txn)
            .await?;
        parent(
            "parentAnnotationId",
            "annotation",
            row.map(|row| row.task_id),
        );
    }
    if let Some(unique_id) = new.unique_id {
        let holder = annotation::Entity::find()
            .filter(annotation::Column::UniqueId.eq(unique_id))
            .one(txn)
            .await?;
        if holder.is_some() {
            problems.push(taken());
        }
    }
    Ok(problems)
}

fn taken() -> Problem {
    Problem::new(
        ["input", "uniqueId"],
        ProblemCode::AlreadyTaken,
        "an annotation with this unique id exists already",
    )
}
