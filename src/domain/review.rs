//! Reviews: what those who may judge annotations say of them.
//!
//! Each review is a change of the annotation, with a version of its own, and stays in its history. The latest
//! verdict of each reviewer is kept beside it.

use std::collections::HashMap;

use entity::{
    annotation::{self, Action},
    annotation_review::{self, Column, Verdict},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};

use super::{
    access::{self, Actor},
    annotation::{
        Change, Outcome, OwnDrafts, RegionChanges, ReviewNote, change_locked, check_change,
        conclude,
        lock::{self, Locked},
    },
};
use crate::{
    app::App,
    error::{Error, Problem, ProblemCode, Result},
};

/// The longest comment, in characters.
pub const MAX_COMMENT: usize = 10_000;

/// What a reviewer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewAction {
    Accept,
    Reject,
    FixAndAccept,
    /// Takes their own verdict back.
    DeleteReview,
}

impl ReviewAction {
    fn action(self) -> Action {
        match self {
            Self::Accept => Action::Accepted,
            Self::Reject => Action::Rejected,
            Self::FixAndAccept => Action::FixedAndAccepted,
            Self::DeleteReview => Action::DeletedReview,
        }
    }

    fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Accept => Some(Verdict::Accepted),
            Self::Reject => Some(Verdict::Rejected),
            Self::FixAndAccept => Some(Verdict::FixedAndAccepted),
            Self::DeleteReview => None,
        }
    }
}

/// A review, and the fix that comes with it.
#[derive(Debug)]
pub struct Review {
    pub action: ReviewAction,
    pub comment: Option<String>,
    /// Of this, result, regions and the expected version count.
    pub fix: Change,
}

/// Reviews an annotation and answers with it as it is then. Each review is a change, whatever was said before.
pub async fn review(
    app: &App,
    actor: &Actor,
    id: i64,
    review: Review,
) -> Result<annotation::Model> {
    check_input(&review)?;
    let (txn, locked) = lock::begin(app, actor, id, None).await?;
    let outcome = review_locked(app, &txn, actor, review, locked).await;
    conclude(txn, outcome).await
}

async fn review_locked(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    review: Review,
    locked: Locked,
) -> Result<Outcome> {
    let Review {
        action,
        comment,
        fix,
    } = review;
    let role = access::role_in(txn, actor, locked.annotation.project_id).await?;
    access::require(
        access::may_review(role.ok_or(Error::NotFound("annotation"))?),
        "annotations are reviewed by reviewers and managers",
    )?;
    let change = Change {
        review: Some(ReviewNote {
            action: action.action(),
            comment: comment.clone(),
        }),
        own_drafts: match action {
            ReviewAction::FixAndAccept => OwnDrafts::GoWithAChange,
            _ => OwnDrafts::Keep,
        },
        ..fix
    };
    let outcome = change_locked(app, txn, actor, change, locked, false).await?;
    let (Outcome::Changed(row) | Outcome::Unchanged(row)) = &outcome;
    match action.verdict() {
        Some(verdict) => record_verdict(txn, actor, row, verdict, comment).await?,
        None => retract_verdict(txn, actor, row.id).await?,
    }
    Ok(outcome)
}

/// All problems that need no database.
fn check_input(review: &Review) -> Result<()> {
    let mut problems = match check_change(&review.fix) {
        Err(Error::BadInput(problems)) => problems,
        checked => checked.map(|()| Vec::new())?,
    };
    let mut problem = |field, code, message: &str| {
        problems.push(Problem::new(["input", field], code, message));
    };
    let edits = review.fix.regions.value();
    let is_empty = edits.is_some_and(|edits| *edits == RegionChanges::default());
    let sent = [
        ("result", review.fix.result.is_sent()),
        ("regions", review.fix.regions.is_sent() && !is_empty),
    ];
    let sent = sent.into_iter().filter(|(_, is_sent)| *is_sent);
    if review.action != ReviewAction::FixAndAccept {
        for (field, _) in sent {
            let message = "only FIX_AND_ACCEPT comes with a fix";
            problem(field, ProblemCode::NotTogether, message);
        }
    } else if sent.count() == 0 {
        let message = "say what the fix is, as a whole or by `regions`";
        problem("result", ProblemCode::Required, message);
    }
    let comment = review.comment.as_deref().unwrap_or_default();
    if comment.chars().count() > MAX_COMMENT {
        let message = format!("a comment has at most {MAX_COMMENT} characters");
        problem("comment", ProblemCode::TooLong, &message);
    }
    if comment.contains('\0') {
        let message = "a comment holds no NUL character";
        problem("comment", ProblemCode::InvalidText, message);
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

/// Puts the verdict in the place of what the actor said before.
async fn record_verdict(
    txn: &DatabaseTransaction,
    actor: &Actor,
    row: &annotation::Model,
    verdict: Verdict,
    comment: Option<String>,
) -> Result<()> {
    let review = annotation_review::ActiveModel {
        annotation_id: Set(row.id),
        project_id: Set(row.project_id),
        reviewer_id: Set(Some(actor.id())),
        verdict: Set(verdict),
        comment: Set(comment),
        version: Set(row.version),
        created_at: Set(row.updated_at),
        ..Default::default()
    };
    let same = OnConflict::columns([Column::AnnotationId, Column::ReviewerId])
        .update_columns([
            Column::ProjectId,
            Column::Verdict,
            Column::Comment,
            Column::Version,
            Column::CreatedAt,
        ])
        .to_owned();
    annotation_review::Entity::insert(review)
        .on_conflict(same)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

async fn retract_verdict(
    txn: &DatabaseTransaction,
    actor: &Actor,
    annotation_id: i64,
) -> Result<()> {
    let removed = annotation_review::Entity::delete_many()
        .filter(Column::AnnotationId.eq(annotation_id))
        .filter(Column::ReviewerId.eq(actor.id()))
        .exec(txn)
        .await?;
    if removed.rows_affected > 0 {
        return Ok(());
    }
    let message = "there is no review of yours to delete";
    Err(Problem::new(["input", "action"], ProblemCode::NotReviewed, message).into())
}

/// The latest review by each reviewer, of several annotations that the actor sees; the newest one last.
pub async fn of_annotations(
    app: &App,
    actor: &Actor,
    annotation_ids: &[i64],
) -> Result<HashMap<i64, Vec<annotation_review::Model>>> {
    let rows = access::visible_reviews(actor)
        .filter(Column::AnnotationId.is_in(annotation_ids.iter().copied()))
        .order_by_asc(Column::Version)
        .all(app.db.reader())
        .await?;
    let mut by_annotation: HashMap<i64, Vec<_>> = HashMap::new();
    for row in rows {
        by_annotation
            .entry(row.annotation_id)
            .or_default()
            .push(row);
    }
    Ok(by_annotation)
}
