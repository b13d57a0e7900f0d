//! `submitDraft`: what was unfinished is an annotation, or a change of one.

use entity::{annotation, annotation_draft};
use sea_orm::DatabaseTransaction;

use super::{consume, find_visible};
use crate::{
    app::App,
    db::WriteTxn,
    domain::{
        Patch,
        access::{self, Actor},
        annotation::{
            self as annotations, Change, ConflictPolicy, New, OwnDrafts, PendingCreate,
            lock::{self, Locked},
        },
        task as tasks,
    },
    error::{Error, Result, Segment},
};

/// What is said of an annotation besides what the draft holds. What is not given stays, or takes its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Submission {
    pub was_cancelled: Option<bool>,
    pub ground_truth: Option<bool>,
    /// The version that the draft was made to.
    pub expected_version: Option<i32>,
    pub on_conflict: Option<ConflictPolicy>,
}

/// Creates an annotation of a draft, or changes the one that it is a draft of. Then the draft is gone.
///
/// It goes whatever came of it: one that holds what the annotation has already changes nothing there.
pub async fn submit(
    app: &App,
    actor: &Actor,
    id: i64,
    submission: Submission,
) -> Result<annotation::Model> {
    let draft = find_visible(app.db.reader(), actor, id).await?;
    access::require(
        access::may_submit(actor, &draft),
        "you may submit only drafts of your own",
    )?;
    let (txn, outcome) = match draft.annotation_id {
        None => {
            let txn = app.db.begin().await?;
            let outcome = create(app, &txn, actor, &draft, submission).await;
            (txn, outcome)
        }
        Some(annotation_id) => {
            let (txn, locked) = lock::begin(app, actor, annotation_id, None).await?;
            let outcome = change(app, &txn, actor, locked, id, submission).await;
            (txn, outcome)
        }
    };
    conclude(txn, outcome).await
}

async fn conclude(txn: WriteTxn, outcome: Result<annotation::Model>) -> Result<annotation::Model> {
    match outcome {
        Ok(row) => {
            txn.commit().await?;
            Ok(row)
        }
        Err(refusal) => {
            txn.rollback().await?;
            Err(at_draft_id(refusal))
        }
    }
}

async fn create(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    draft: &annotation_draft::Model,
    submission: Submission,
) -> Result<annotation::Model> {
    let visible = tasks::visible_id(actor, draft.task_id);
    let task = tasks::lock(txn, visible).await?.pop();
    let task = task.ok_or(Error::NotFound("draft"))?;
    let draft = consume(txn, draft.id).await?;
    let new = New {
        result: draft.result,
        lead_time: draft.lead_time,
        was_cancelled: submission.was_cancelled.unwrap_or(false),
        ground_truth: submission.ground_truth.unwrap_or(false),
        draft_created_at: Some(draft.created_at),
        ..New::default()
    };
    let pending = PendingCreate {
        region_count: annotations::check_new(&new)?,
        task,
        new,
    };
    let outcome = annotations::create_locked(app, txn, actor, pending, false).await?;
    Ok(outcome.into_row())
}

async fn change(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    locked: Locked,
    id: i64,
    submission: Submission,
) -> Result<annotation::Model> {
    fn patch<T>(value: Option<T>) -> Patch<T> {
        value.map_or(Patch::Keep, Patch::Set)
    }
    let draft = consume(txn, id).await?;
    let change = Change {
        result: Patch::Set(draft.result),
        lead_time: patch(draft.lead_time),
        was_cancelled: patch(submission.was_cancelled),
        ground_truth: patch(submission.ground_truth),
        // Others may have been there since the draft was begun.
        expected_version: patch(submission.expected_version.or(draft.annotation_version)),
        on_conflict: patch(submission.on_conflict),
        draft_created_at: Some(draft.created_at),
        own_drafts: OwnDrafts::Go,
        ..Change::default()
    };
    annotations::check_change(&change)?;
    let outcome = annotations::change_locked(app, txn, actor, change, locked, false).await?;
    Ok(outcome.into_row())
}

/// What is wrong with a result or lead time that nobody sent is told at the draft that holds it.
fn at_draft_id(refusal: Error) -> Error {
    let Error::BadInput(mut problems) = refusal else {
        return refusal;
    };
    let [input, result, lead_time] = ["input", "result", "leadTime"].map(Segment::from);
    for problem in &mut problems {
        if let [first, second, ..] = problem.path.as_mut_slice()
            && *first == input
            && (*second == result || *second == lead_time)
        {
            *first = "id".into();
        }
    }
    Error::BadInput(problems)
}
