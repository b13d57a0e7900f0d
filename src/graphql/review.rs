//! Reviews in the graph.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use entity::annotation_review;

use super::{
    annotation::{Annotation, RegionChangesInput, patch},
    context::ContextExt,
    scalar::{DateTime, JsonObject, list_text},
    user::User,
};
use crate::{
    domain::{annotation, review},
    error::Result,
    id,
};

/// What a reviewer said of an annotation at last. What they said before is in its history.
pub struct AnnotationReview(pub annotation_review::Model);

/// What came of a review.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "annotation_review::Verdict")]
pub enum ReviewVerdict {
    /// It is right.
    Accepted,
    /// It is wrong.
    Rejected,
    /// It was wrong, and is right as the reviewer corrected it.
    FixedAndAccepted,
}

/// What a reviewer said of an annotation at last. What they said before is in its history.
#[Object]
impl AnnotationReview {
    /// Unique among reviews. A later verdict of the same reviewer on the same annotation keeps it, unless the
    /// review was deleted meanwhile.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Who reviewed it. Null once that user is gone, and while you may not see them.
    async fn reviewer(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.reviewer_id).await
    }

    /// What came of it.
    async fn verdict(&self) -> ReviewVerdict {
        self.0.verdict.into()
    }

    /// What the reviewer said about it. Null when nothing.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// The version of the annotation that the review made: what was judged, with the fix. A verdict stays when
    /// the annotation changes later; `diff(from: version)` tells what changed since.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was given.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// What a reviewer does with an annotation.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "review::ReviewAction")]
pub enum ReviewAction {
    /// Say that it is right: ACCEPTED.
    Accept,
    /// Say that it is wrong: REJECTED.
    Reject,
    /// Correct it, and say that it is right then: FIXED_AND_ACCEPTED.
    FixAndAccept,
    /// Take your own verdict back: DELETED_REVIEW.
    DeleteReview,
}

/// A review. `null` is BAD_USER_INPUT, but for `comment`.
#[derive(InputObject)]
pub struct ReviewAnnotationInput {
    /// What to do.
    action: ReviewAction,
    /// What to say about it, at most 10,000 characters.
    comment: Option<String>,
    /// The fix, as the whole new list of regions. FIX_AND_ACCEPT needs either this or `regions`; nothing else
    /// takes one.
    result: MaybeUndefined<Vec<JsonObject>>,
    /// The fix, as edits of single regions.
    regions: MaybeUndefined<RegionChangesInput>,
    /// The version that was looked at. When the annotation is at another one, the review is refused with
    /// CONFLICT.
    expected_version: MaybeUndefined<i32>,
}

impl From<ReviewAnnotationInput> for review::Review {
    fn from(input: ReviewAnnotationInput) -> Self {
        Self {
            action: input.action.into(),
            comment: input.comment,
            fix: annotation::Change {
                result: patch(input.result, |items| list_text(&items)),
                regions: patch(input.regions, Into::into),
                expected_version: patch(input.expected_version, |version| version),
                ..Default::default()
            },
        }
    }
}

#[derive(Default)]
pub struct ReviewMutation;

#[Object]
impl ReviewMutation {
    /// Judge an annotation, your own too. For reviewers and managers. Each review is one item of its history and
    /// one more version, `lastAction` says which, and of each reviewer the latest verdict stands in `reviews`.
    ///
    /// Errors, in this order: BAD_USER_INPUT, NOT_FOUND, FORBIDDEN, CONFLICT, BAD_USER_INPUT with every problem
    /// of the fix, as in `updateAnnotation`, or with NOT_REVIEWED when there is no review of yours to delete.
    async fn review_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "The review.")] input: ReviewAnnotationInput,
    ) -> Option<Result<Annotation>> {
        let row = review::review(ctx.app(), ctx.actor(), id::reference(&id), input.into()).await;
        Some(row.map(Annotation::from))
    }
}
