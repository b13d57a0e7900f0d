//! `saveDraft`: the last save is what there is.

use chrono::{DateTime, Utc};
use entity::{
    annotation,
    annotation_draft::{self, Column},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::{
    app::App,
    db::{self, Write},
    domain::{
        Patch,
        access::{self, Actor},
        annotation::{check_lead_time, lock, unsigned},
        task as tasks,
    },
    error::{Error, Problem, ProblemCode, Result},
    labelstudio::document,
};

/// What is saved, and of what: either of a task or of an annotation.
#[derive(Debug)]
pub struct Content {
    pub task_id: Option<i64>,
    pub annotation_id: Option<i64>,
    /// The list of regions, JSON text. Whether it fits the labelling config is not asked: it is unfinished.
    pub result: String,
    /// Seconds.
    pub lead_time: Patch<f64>,
    /// The version of the annotation that it was made to; unless given, the one that the draft began at.
    pub annotation_version: Option<i32>,
}

/// Saves to the actor's one draft of a task, or of an annotation that they may change.
pub async fn save(app: &App, actor: &Actor, content: Content) -> Result<annotation_draft::Model> {
    let of = check_input(&content)?;
    // With the task locked, nothing of what the draft refers to goes or moves meanwhile.
    let (txn, task_id, annotation_id, current) = match of {
        Of::Task(id) => {
            let (txn, task_id) = begin_of_task(app, actor, id).await?;
            (txn, task_id, None, None)
        }
        Of::Annotation(id) => {
            let (txn, row) = begin_of_annotation(app, actor, id).await?;
            check_version(&content, row.version)?;
            (txn, row.task_id, Some(id), Some(row.version))
        }
    };
    let row = annotation_draft::ActiveModel {
        result: Set(content.result),
        lead_time: Set(content.lead_time.value().copied().map(unsigned)),
        annotation_version: Set(
            current.map(|version| content.annotation_version.unwrap_or(version))
        ),
        ..new(actor, task_id, annotation_id, db::now())
    };
    let mut rewritten = vec![Column::Result, Column::UpdatedAt];
    if content.lead_time.is_sent() {
        rewritten.push(Column::LeadTime);
    }
    if content.annotation_version.is_some() {
        rewritten.push(Column::AnnotationVersion);
    }
    annotation_draft::Entity::insert(row)
        .on_conflict(
            same_place(annotation_id)
                .update_columns(rewritten)
                .to_owned(),
        )
        .exec_without_returning(&*txn)
        .await?;
    let saved = annotation_draft::Entity::find()
        .filter(Column::TaskId.eq(task_id))
        .filter(annotation_id.map_or(Column::AnnotationId.is_null(), |id| {
            Column::AnnotationId.eq(id)
        }))
        .filter(Column::UserId.eq(actor.id()))
        .filter(Expr::col(Column::IsAutosave))
        .one(&*txn)
        .await?
        .ok_or(Error::NotFound("draft"))?;
    txn.commit().await?;
    Ok(saved)
}

/// An empty draft to save to.
pub fn new(
    actor: &Actor,
    task_id: i64,
    annotation_id: Option<i64>,
    at: DateTime<Utc>,
) -> annotation_draft::ActiveModel {
    annotation_draft::ActiveModel {
        task_id: Set(task_id),
        annotation_id: Set(annotation_id),
        user_id: Set(actor.id()),
        created_at: Set(at),
        updated_at: Set(at),
        is_autosave: Set(true),
        ..Default::default()
    }
}

/// The key that holds one draft of everybody, in the very words of the index.
fn same_place(annotation_id: Option<i64>) -> OnConflict {
    let (thing, condition) = match annotation_id {
        None => (Column::TaskId, Some(Column::AnnotationId.is_null())),
        Some(_) => (Column::AnnotationId, None),
    };
    OnConflict::columns([thing, Column::UserId])
        .target_and_where(Expr::col(Column::IsAutosave))
        .target_and_where_option(condition)
        .to_owned()
}

enum Of {
    Task(i64),
    Annotation(i64),
}

/// All problems that need no database. Answers with what the draft is of.
fn check_input(content: &Content) -> Result<Of> {
    let at = ["input".into(), "result".into()];
    let checked = document::check_result(&content.result, &at);
    let mut problems = checked.err().unwrap_or_default();
    problems.extend(check_lead_time(
        content.lead_time.value().copied(),
        ["input", "leadTime"],
    ));
    if content.annotation_id.is_none() && content.annotation_version.is_some() {
        let message = "only a draft of an annotation has a version";
        let at = ["input", "annotationVersion"];
        problems.push(Problem::new(at, ProblemCode::NotTogether, message));
    }
    let of = match (content.task_id, content.annotation_id) {
        (Some(id), None) => Ok(Of::Task(id)),
        (None, Some(id)) => Ok(Of::Annotation(id)),
        (None, None) => Err((
            "taskId",
            ProblemCode::Required,
            "say which task or annotation it is a draft of",
        )),
        (Some(_), Some(_)) => Err((
            "annotationId",
            ProblemCode::NotTogether,
            "a draft is either of a task or of an annotation",
        )),
    };
    let of = of.map_err(|(field, code, message)| {
        problems.push(Problem::new(["input", field], code, message));
    });
    match of {
        Ok(of) if problems.is_empty() => Ok(of),
        _ => Err(Error::BadInput(problems)),
    }
}

async fn begin_of_task(app: &App, actor: &Actor, id: i64) -> Result<(Write, i64)> {
    let txn = app.db.begin().await?;
    let visible = tasks::visible_id(actor, id);
    let task = tasks::lock(&txn, visible).await?.pop();
    let task = task.ok_or(Error::NotFound("task"))?;
    let role = access::role_in(&txn, actor, task.project_id).await?;
    access::require(
        access::may_annotate(role.ok_or(Error::NotFound("task"))?),
        "you may read this project but not annotate in it",
    )?;
    Ok((txn, task.id))
}

/// Nobody has seen a version that is still to come.
fn check_version(content: &Content, current: i32) -> Result<()> {
    let was = |version: &i32| (1..=current).contains(version);
    if content.annotation_version.as_ref().is_none_or(was) {
        return Ok(());
    }
    let message = "the annotation never had this version";
    Err(Problem::new(
        ["input", "annotationVersion"],
        ProblemCode::UnknownVersion,
        message,
    )
    .into())
}

async fn begin_of_annotation(
    app: &App,
    actor: &Actor,
    id: i64,
) -> Result<(Write, annotation::Model)> {
    let (txn, locked) = lock::begin(app, actor, id, None).await?;
    let row = &locked.annotation;
    let role = access::role_in(&txn, actor, row.project_id).await?;
    let role = role.ok_or(Error::NotFound("annotation"))?;
    access::require(
        access::may_edit(actor, role, row),
        "you may change only annotations of your own in this project",
    )?;
    Ok((txn, locked.annotation))
}
