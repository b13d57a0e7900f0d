//! Verdicts of a plan: the latest verdict of each reviewer is stored beside the annotation.

use entity::{
    annotation,
    annotation_review::{self, Column},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    sea_query::OnConflict,
};

use super::{super::command::ReviewNote, Plan, PlannedReview};
use crate::{
    domain::access::Actor,
    error::{Problem, ProblemCode, Result},
};

impl Plan {
    /// Plans the verdict of a review that led to this row.
    pub(super) fn review(&mut self, actor: &Actor, row: &annotation::Model, review: ReviewNote) {
        let annotation_id = row.id;
        self.reviews.push(match review.action.verdict() {
            None => PlannedReview::Retract {
                annotation_id,
                reviewer_id: actor.id(),
            },
            Some(verdict) => PlannedReview::Record(annotation_review::ActiveModel {
                annotation_id: Set(annotation_id),
                project_id: Set(row.project_id),
                reviewer_id: Set(Some(actor.id())),
                verdict: Set(verdict),
                comment: Set(review.comment),
                version: Set(row.version),
                created_at: Set(row.updated_at),
                ..Default::default()
            }),
        });
    }

    /// Records and retracts verdicts.
    pub(super) async fn write_reviews(&mut self, txn: &DatabaseTransaction) -> Result<()> {
        for review in std::mem::take(&mut self.reviews) {
            match review {
                PlannedReview::Record(review) => record_verdict(txn, review).await?,
                PlannedReview::Retract {
                    annotation_id,
                    reviewer_id,
                } => retract_verdict(txn, annotation_id, reviewer_id).await?,
            }
        }
        Ok(())
    }
}

/// Deletes a reviewer's verdict. Refuses without a verdict: the number of deleted rows decides, under the lock.
async fn retract_verdict(
    txn: &DatabaseTransaction,
    annotation_id: i64,
    reviewer_id: i64,
) -> Result<()> {
    let removed = annotation_review::Entity::delete_many()
        .filter(Column::AnnotationId.eq(annotation_id))
        .filter(Column::ReviewerId.eq(reviewer_id))
        .exec(txn)
        .await?;
    if removed.rows_affected > 0 {
        return Ok(());
    }
    let message = "there is no review of yours to delete";
    Err(Problem::new(["input", "action"], ProblemCode::NotReviewed, message).into())
}

/// Inserts a verdict, or replaces the reviewer's previous verdict.
async fn record_verdict(
    txn: &DatabaseTransaction,
    review: annotation_review::ActiveModel,
) -> Result<()> {
    // A reviewer has a single verdict per annotation, which an upsert replaces atomically.
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
