//! Review type and mutation.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use entity::annotation_review;

use super::{
    annotation::{Annotation, RegionChangesInput},
    context::ContextExt,
    input::{list_text, patch},
    scalar::{DateTime, JsonObject},
    user::User,
};
use crate::{
    domain::{annotation, review},
    error::Result,
    id,
};

/// Latest verdict of a reviewer on an annotation. Earlier verdicts are in the annotation's history.
pub struct AnnotationReview(pub annotation_review::Model);

/// Verdict of a review.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "annotation_review::Verdict")]
pub enum ReviewVerdict {
    /// The annotation is right.
    Accepted,
    /// The annotation is wrong.
    Rejected,
    /// The annotation was wrong, and is right after the reviewer's correction.
    FixedAndAccepted,
}

/// Latest verdict of a reviewer on an annotation. Earlier verdicts are in the annotation's history.
#[Object]
impl AnnotationReview {
    /// Unique among reviews. A later verdict of the same reviewer on the same annotation keeps the id,
    /// unless the review was deleted meanwhile.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The reviewer. Null after the user's deletion, and while you may not see the user.
    async fn reviewer(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.reviewer_id).await
    }

    /// The verdict.
    async fn verdict(&self) -> ReviewVerdict {
        self.0.verdict.into()
    }

    /// The reviewer's comment. Null without a comment.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// The annotation's version after the review: the reviewed state, including the fix. A verdict stays
    /// when the annotation changes later; `diff(from: version)` shows the changes since.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Time of the verdict.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Action of a reviewer on an annotation.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "review::ReviewAction")]
pub enum ReviewAction {
    /// Declare the annotation right: ACCEPTED.
    Accept,
    /// Declare the annotation wrong: REJECTED.
    Reject,
    /// Correct the annotation and declare the result right: FIXED_AND_ACCEPTED.
    FixAndAccept,
    /// Take your own verdict back: DELETED_REVIEW.
    DeleteReview,
}

/// A review. `null` is BAD_USER_INPUT, except for `comment`.
#[derive(InputObject)]
pub struct ReviewAnnotationInput {
    /// The action.
    action: ReviewAction,
    /// The comment, at most 10,000 characters.
    comment: Option<String>,
    /// The fix, as the whole new list of regions. FIX_AND_ACCEPT needs either `result` or `regions`; no
    /// other action takes a fix.
    result: MaybeUndefined<Vec<JsonObject>>,
    /// The fix, as edits of single regions.
    regions: MaybeUndefined<RegionChangesInput>,
    /// The reviewed version. When the annotation is at a different version, the review is refused with
    /// CONFLICT.
    expected_version: MaybeUndefined<i32>,
}

impl From<ReviewAnnotationInput> for review::Review {
    fn from(input: ReviewAnnotationInput) -> Self {
        Self {
            action: input.action.into(),
            comment: input.comment,
            // A fix is a change of the result alone: a review never moves or reassigns an annotation.
            fix: annotation::Change {
                result: patch(input.result, |items| list_text(&items)),
                regions: patch(input.regions, Into::into),
                expected_version: patch(input.expected_version, |version| version),
                ..Default::default()
            },
        }
    }
}

/// Root field that reviews annotations.
#[derive(Default)]
pub struct ReviewMutation;

#[Object]
impl ReviewMutation {
    /// Review an annotation, even your own. For reviewers and managers. Each review is a history item and
    /// increments `version`, `lastAction` has the verdict, and `reviews` has the latest verdict of each
    /// reviewer.
    ///
    /// Errors, in this order: BAD_USER_INPUT, NOT_FOUND, FORBIDDEN, CONFLICT, BAD_USER_INPUT with every
    /// problem of the fix, as in `updateAnnotation`, or with NOT_REVIEWED when there is no review of yours
    /// to delete.
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
