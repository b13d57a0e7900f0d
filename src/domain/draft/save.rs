//! Mutation `saveDraft`: the last save wins, unless the save names the version that it was made to.

use entity::{
    annotation,
    annotation_draft::{self, Column},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{NewDraft, replaced};

use crate::{
    app::{App, compute},
    db::WriteTxn,
    domain::{
        Patch,
        access::{self, Actor, AnnotationAccess, AnnotationWrite},
        annotation::{check_lead_time, lock, unsigned},
        version,
    },
    error::{Error, Problem, ProblemCode, Result},
    instant,
};

/// Content to save, for either a task or an annotation.
#[derive(Clone, Debug)]
pub struct Content {
    pub task_id: Option<i64>,
    pub annotation_id: Option<i64>,
    /// List of regions as JSON text. Not checked against the labelling config, since drafts are unfinished.
    pub result: String,
    /// Seconds.
    pub lead_time: Patch<f64>,
    /// Version of the annotation that the content was made to; defaults to the version at which the draft began.
    pub annotation_version: Option<i32>,
    /// Version of the draft that the content was made to; 0 for no draft.
    pub expected_version: Patch<i32>,
    /// Draft that the content was made to.
    pub expected_draft_id: Option<i64>,
}

/// Saves to the actor's draft of a task, or of an annotation that the actor may change.
pub async fn save(app: &App, actor: &Actor, content: Content) -> Result<annotation_draft::Model> {
    let of = check_input(&content)?;
    // The task's lock keeps the referenced rows in place, and makes parallel saves and submissions wait.
    let (txn, slot) = match of {
        DraftTarget::Task(id) => {
            let (txn, task_id) = lock_task(app, actor, id).await?;
            (txn, DraftSlot::of_task(task_id))
        }
        DraftTarget::Annotation(id) => {
            let (txn, row) = lock_annotation(app, actor, id).await?;
            check_version(&content, row.version)?;
            (txn, DraftSlot::of_annotation(&row))
        }
    };
    let stored = slot.draft(&txn, actor).await?;
    // Compared with the new content twice: for changes, and for regions that are lost.
    compute::charge(stored.as_ref().map_or(0, |row| 2 * row.result.len())).await;
    check_expected(&content, stored.as_ref())
        .map_err(|conflict| app.budget.charge_conflict(conflict))?;
    let saved = match stored {
        None => new_draft(actor, &slot, content).insert(&txn).await?,
        Some(row) => overwrite(&txn, row, content).await?,
    };
    txn.commit().await?;
    Ok(saved)
}

/// Builds the draft with the content of its first save.
fn new_draft(actor: &Actor, slot: &DraftSlot, content: Content) -> NewDraft {
    let base_version = |current| content.annotation_version.unwrap_or(current);
    NewDraft {
        task_id: slot.task_id,
        annotation_id: slot.annotation_id,
        annotation_version: slot.version.map(base_version),
        user_id: actor.id(),
        result: content.result,
        lead_time: content.lead_time.value().copied().map(unsigned),
        at: instant::now(),
    }
}

/// Replaces the content of the draft, and raises its version on an actual change.
async fn overwrite(
    txn: &DatabaseTransaction,
    row: annotation_draft::Model,
    content: Content,
) -> Result<annotation_draft::Model> {
    let mut saved = content.apply_to(&row);
    let now = instant::now().max(row.updated_at);
    if saved != row {
        saved.version += 1;
        replaced::keep_replaced(txn, &row, &saved.result, now).await?;
    }
    // Each save counts as a sign of life, even without a change.
    saved.updated_at = now;
    annotation_draft::ActiveModel {
        id: Unchanged(row.id),
        result: Set(saved.result.clone()),
        lead_time: Set(saved.lead_time),
        annotation_version: Set(saved.annotation_version),
        version: Set(saved.version),
        updated_at: Set(saved.updated_at),
        ..Default::default()
    }
    .update_without_returning(txn)
    .await?;
    Ok(saved)
}

impl Content {
    /// Applies this save to a draft, except for version and time.
    fn apply_to(self, row: &annotation_draft::Model) -> annotation_draft::Model {
        let mut saved = row.clone();
        // Equivalent JSON keeps the stored text, so that an idle editor that saves again is no change.
        if !json_fidelity::are_equivalent(&row.result, &self.result) {
            saved.result = self.result;
        }
        match self.lead_time {
            Patch::Set(seconds) => saved.lead_time = Some(unsigned(seconds)),
            Patch::Null => saved.lead_time = None,
            Patch::Keep => {}
        }
        saved.annotation_version = self.annotation_version.or(row.annotation_version);
        saved
    }
}

/// Stale save: refuses a save to a version other than the current version, or to a different draft.
fn check_expected(content: &Content, stored: Option<&annotation_draft::Model>) -> Result<()> {
    let version = stored.map_or(0, |row| row.version);
    let missed = version::missed(&content.expected_version, version);
    let is_other = |id: &i64| stored.is_none_or(|row| row.id != *id);
    if missed.is_none() && !content.expected_draft_id.as_ref().is_some_and(is_other) {
        return Ok(());
    }
    let expected = content.expected_version.value().copied();
    let Some(row) = stored else {
        return Err(version::conflict("draft", expected, 0, &[], &Value::Null)?);
    };
    let saved = content.clone().apply_to(row);
    let fields = [
        ("leadTime", saved.lead_time != row.lead_time),
        ("result", saved.result != row.result),
    ];
    Err(version::conflict(
        "draft",
        expected,
        version,
        &fields,
        &current(row)?,
    )?)
}

/// Serialises the draft for a conflict.
fn current(row: &annotation_draft::Model) -> Result<impl Serialize> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Current<'a> {
        id: String,
        version: i32,
        task_id: String,
        annotation_id: Option<String>,
        annotation_version: Option<i32>,
        result: &'a RawValue,
        lead_time: Option<f64>,
        updated_at: String,
    }
    Ok(Current {
        id: row.id.to_string(),
        version: row.version,
        task_id: row.task_id.to_string(),
        annotation_id: row.annotation_id.map(|id| id.to_string()),
        annotation_version: row.annotation_version,
        result: serde_json::from_str(&row.result)?,
        lead_time: row.lead_time,
        updated_at: instant::print(row.updated_at),
    })
}

/// Target that has a single draft per user: a task, or an annotation.
struct DraftSlot {
    task_id: i64,
    annotation_id: Option<i64>,
    /// Current version of the annotation.
    version: Option<i32>,
}

impl DraftSlot {
    fn of_task(task_id: i64) -> Self {
        Self {
            task_id,
            annotation_id: None,
            version: None,
        }
    }

    fn of_annotation(row: &annotation::Model) -> Self {
        Self {
            task_id: row.task_id,
            annotation_id: Some(row.id),
            version: Some(row.version),
        }
    }

    /// Reads and locks the actor's draft of the target, which keeps the draft from being discarded.
    async fn draft(
        &self,
        txn: &DatabaseTransaction,
        actor: &Actor,
    ) -> Result<Option<annotation_draft::Model>> {
        let of_annotation = match self.annotation_id {
            None => Column::AnnotationId.is_null(),
            Some(id) => Column::AnnotationId.eq(id),
        };
        Ok(annotation_draft::Entity::find()
            .filter(Column::TaskId.eq(self.task_id))
            .filter(of_annotation)
            .filter(Column::UserId.eq(actor.id()))
            // Imported drafts are never saved to.
            .filter(Expr::col(Column::IsAutosave))
            .lock(LockType::Update)
            .one(txn)
            .await?)
    }
}

enum DraftTarget {
    Task(i64),
    Annotation(i64),
}

/// Reports all problems that need no database. Returns the target of the draft.
fn check_input(content: &Content) -> Result<DraftTarget> {
    let at = ["input".into(), "result".into()];
    let checked = json_fidelity::check_result(&content.result, &at);
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
    problems.extend(version::check_input(&content.expected_version));
    let of = match (content.task_id, content.annotation_id) {
        (Some(id), None) => Ok(DraftTarget::Task(id)),
        (None, Some(id)) => Ok(DraftTarget::Annotation(id)),
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

async fn lock_task(app: &App, actor: &Actor, id: i64) -> Result<(WriteTxn, i64)> {
    let (txn, task) = lock::begin_in_task(app, actor, id).await?;
    let role = access::role_in(&txn, actor, task.project_id).await?;
    let write = AnnotationWrite::new(AnnotationAccess::Annotate);
    access::check_write(actor, role.ok_or(Error::NotFound("task"))?, &write)?;
    Ok((txn, task.id))
}

/// Refuses a version of the annotation that does not exist yet.
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

async fn lock_annotation(
    app: &App,
    actor: &Actor,
    id: i64,
) -> Result<(WriteTxn, annotation::Model)> {
    let (txn, locked) = lock::begin_one(app, actor, id).await?;
    let row = &locked.annotation;
    let role = access::role_in(&txn, actor, row.project_id).await?;
    let write = AnnotationWrite::new(AnnotationAccess::Edit(row));
    access::check_write(actor, role.ok_or(Error::NotFound("annotation"))?, &write)?;
    Ok((txn, locked.annotation))
}
