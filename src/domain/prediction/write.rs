//! Mutations `createPrediction`, `updatePrediction` and `deletePrediction`, for managers.

use entity::{
    prediction::{self, Column},
    task,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect, QueryTrait,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    app::{App, compute},
    db::WriteTxn,
    domain::{
        Patch,
        access::{self, Actor},
        labelling, not_cleared, task as tasks, version,
    },
    error::{Error, Problem, ProblemCode, Result},
    instant,
};

/// Longest name of a model, in characters.
pub const MAX_MODEL_VERSION: usize = 1_000;

/// Values of a new prediction.
#[derive(Debug, Default)]
pub struct New {
    /// List of regions as JSON text.
    pub result: String,
    pub score: Option<f64>,
    pub model_version: Option<String>,
}

/// Change of a prediction; the result can't be cleared.
#[derive(Debug, Default)]
pub struct Change {
    /// List of regions as JSON text.
    pub result: Patch<String>,
    pub score: Patch<f64>,
    pub model_version: Patch<String>,
    /// Version that the change was made to.
    pub expected_version: Patch<i32>,
}

/// Adds a prediction to a task. The result has to fit the labelling config, but controls that are required of people
/// may stay unanswered.
pub async fn create(app: &App, actor: &Actor, task_id: i64, new: New) -> Result<prediction::Model> {
    let mut problems = check_result(&new.result);
    problems.extend(new.model_version.as_deref().and_then(check_model_version));
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    let txn = app.db.begin().await?;
    let visible = tasks::visible_id(actor, task_id);
    // Locks the task before all else in the transaction: `total_predictions` is recounted under this lock
    // (`docs/decisions/0004-locks.md`).
    let task = tasks::lock(&txn, visible).await?.pop();
    let task = task.ok_or(Error::NotFound("task"))?;
    let role = access::role_in(&txn, actor, task.project_id).await?;
    let role = role.ok_or(Error::NotFound("task"))?;
    access::require(access::may_manage(role), "predictions are made by managers")?;
    check_fit(app, &txn, &task, &new.result).await?;
    let at = instant::now();
    let row = prediction::ActiveModel {
        task_id: Set(task.id),
        project_id: Set(task.project_id),
        result: Set(new.result),
        score: Set(new.score),
        model_version: Set(new.model_version),
        created_at: Set(at),
        updated_at: Set(at),
        ..Default::default()
    }
    .insert(&*txn)
    .await?;
    count(&txn, task.id).await?;
    txn.commit().await?;
    Ok(row)
}

/// Updates a prediction and returns the new row.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: i64,
    change: Change,
) -> Result<prediction::Model> {
    let mut problems = match &change.result {
        Patch::Keep => Vec::new(),
        Patch::Null => vec![not_cleared(&["input", "result"])],
        Patch::Set(result) => check_result(result),
    };
    let model_version = change.model_version.value();
    problems.extend(model_version.and_then(|name| check_model_version(name)));
    problems.extend(version::check_input(&change.expected_version));
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    let (txn, task, row) = lock(app, actor, id, "predictions are changed by managers").await?;
    compute::charge(row.result.len()).await;
    let mut changed = row.clone();
    if let Patch::Set(result) = change.result
        // Equivalent JSON keeps the stored text, so that a re-serialised result is not a change.
        && !json_fidelity::are_equivalent(&row.result, &result)
    {
        changed.result = result;
    }
    match change.score {
        Patch::Set(score) => changed.score = Some(score),
        Patch::Null => changed.score = None,
        Patch::Keep => {}
    }
    match change.model_version {
        Patch::Set(name) => changed.model_version = Some(name),
        Patch::Null => changed.model_version = None,
        Patch::Keep => {}
    }
    // Reports a stale write before the unchanged case: a client with an old version learns of the new version.
    if let Some(expected) = version::missed(&change.expected_version, row.version) {
        let conflict = conflict(&row, &changed, expected)?;
        return Err(app.budget.charge_conflict(conflict));
    }
    if changed == row {
        txn.rollback().await?;
        return Ok(row);
    }
    if changed.result != row.result {
        check_fit(app, &txn, &task, &changed.result).await?;
    }
    changed.version += 1;
    // The clock can step back; `updated_at` never does.
    changed.updated_at = instant::now().max(row.updated_at);
    let mut columns = row.into_active_model();
    columns.result = Set(changed.result.clone());
    columns.score = Set(changed.score);
    columns.model_version = Set(changed.model_version.clone());
    columns.version = Set(changed.version);
    columns.updated_at = Set(changed.updated_at);
    columns.update_without_returning(&txn).await?;
    txn.commit().await?;
    Ok(changed)
}

/// Deletes a prediction and returns the former row. Annotations created from the prediction lose their parent.
pub async fn delete(app: &App, actor: &Actor, id: i64) -> Result<prediction::Model> {
    let (txn, task, row) = lock(app, actor, id, "predictions are deleted by managers").await?;
    prediction::Entity::delete_by_id(row.id).exec(&txn).await?;
    count(&txn, task.id).await?;
    txn.commit().await?;
    Ok(row)
}

/// Reads a prediction of a project that the actor manages, and locks the task until the transaction ends. A
/// prediction never changes its task.
async fn lock(
    app: &App,
    actor: &Actor,
    id: i64,
    otherwise: &'static str,
) -> Result<(WriteTxn, task::Model, prediction::Model)> {
    let visible = || access::visible_predictions(actor).filter(Column::Id.eq(id));
    let txn = app.db.begin().await?;
    let of_task = visible().select_only().column(Column::TaskId).into_query();
    let task = tasks::lock(&txn, of_task).await?.pop();
    // Reads the row again under the task's lock: the first select only found the task.
    let row = visible().one(&*txn).await?;
    let (Some(task), Some(row)) = (task, row) else {
        return Err(Error::NotFound("prediction"));
    };
    let role = access::role_in(&txn, actor, row.project_id).await?;
    let role = role.ok_or(Error::NotFound("prediction"))?;
    access::require(access::may_manage(role), otherwise)?;
    Ok((txn, task, row))
}

/// Builds the CONFLICT of a stale change of `row` to `changed`.
fn conflict(row: &prediction::Model, changed: &prediction::Model, expected: i32) -> Result<Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Current<'a> {
        id: String,
        version: i32,
        task_id: String,
        project_id: String,
        result: &'a RawValue,
        score: Option<f64>,
        model_version: Option<&'a str>,
        updated_at: String,
    }
    let current = Current {
        id: row.id.to_string(),
        version: row.version,
        task_id: row.task_id.to_string(),
        project_id: row.project_id.to_string(),
        result: serde_json::from_str(&row.result)?,
        score: row.score,
        model_version: row.model_version.as_deref(),
        updated_at: instant::print(row.updated_at),
    };
    let fields = [
        ("modelVersion", changed.model_version != row.model_version),
        ("result", changed.result != row.result),
        ("score", changed.score != row.score),
    ];
    version::conflict("prediction", Some(expected), row.version, &fields, &current)
}

/// Recounts the predictions of a locked task.
async fn count(txn: &DatabaseTransaction, task_id: i64) -> Result<()> {
    let total = prediction::Entity::find()
        .filter(Column::TaskId.eq(task_id))
        .count(txn)
        .await?;
    task::ActiveModel {
        id: Unchanged(task_id),
        total_predictions: Set(i32::try_from(total).unwrap_or(i32::MAX)),
        ..Default::default()
    }
    .update_without_returning(txn)
    .await?;
    Ok(())
}

fn check_result(result: &str) -> Vec<Problem> {
    let checked = json_fidelity::check_result(result, &["input".into(), "result".into()]);
    checked.err().unwrap_or_default()
}

fn check_model_version(name: &str) -> Option<Problem> {
    let at = ["input", "modelVersion"];
    if name.contains('\0') {
        let message = "a text can't hold the character U+0000";
        return Some(Problem::new(at, ProblemCode::InvalidText, message));
    }
    (name.chars().count() > MAX_MODEL_VERSION).then(|| {
        let message = format!("a model's name has at most {MAX_MODEL_VERSION} characters");
        Problem::new(at, ProblemCode::TooLong, message)
    })
}

async fn check_fit(
    app: &App,
    txn: &DatabaseTransaction,
    task: &task::Model,
    result: &str,
) -> Result<()> {
    let Some(rules) = labelling::rules(app, txn, task.project_id).await? else {
        return Ok(());
    };
    let strict = rules.is_strict().then_some(task.id);
    let data = tasks::data(txn, strict.as_slice()).await?;
    let data = data.get(&task.id).map_or("", String::as_str);
    // `true`: a prediction may leave required controls empty, like a cancelled annotation.
    let problems = rules.check(result, data, true, &["input".into(), "result".into()]);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}
