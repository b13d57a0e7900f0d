//! Mutations that set a single flag of an annotation.

use async_graphql::{Context, ID, Object};

use super::{super::context::ContextExt, Annotation};
use crate::{
    domain::annotation::{self, Flag},
    error::Result,
    id,
};

/// Root fields that set a single flag of an annotation.
#[derive(Default)]
pub struct FlagMutation;

#[Object]
impl FlagMutation {
    /// Cancel an annotation: the task was skipped, and the annotation no longer counts. Same as
    /// `updateAnnotation` with `wasCancelled: true`, with the same permissions and errors; no change when
    /// already cancelled. To skip a task that you have not annotated, create an annotation with
    /// `wasCancelled: true`.
    async fn skip_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless the annotation is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::WasCancelled(true), expected_version).await
    }

    /// Let a cancelled annotation count again. Same as `updateAnnotation` with `wasCancelled: false`. In a
    /// project with strict checks, UNFIT_RESULT when the result does not fit the labelling config.
    async fn unskip_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless the annotation is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::WasCancelled(false), expected_version).await
    }

    /// Make an annotation the ground truth of its task; the previous ground truth loses the flag. Same as
    /// `updateAnnotation` with `groundTruth: true`: for reviewers and managers, with the same errors; no
    /// change when the flag is already set.
    async fn set_ground_truth(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless the annotation is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::GroundTruth(true), expected_version).await
    }

    /// Take the ground-truth flag from an annotation: the task then has no ground truth. Same as
    /// `updateAnnotation` with `groundTruth: false`.
    async fn unset_ground_truth(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless the annotation is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::GroundTruth(false), expected_version).await
    }
}

async fn set(
    ctx: &Context<'_>,
    id: &ID,
    flag: Flag,
    expected_version: Option<i32>,
) -> Option<Result<Annotation>> {
    let (app, actor) = (ctx.app(), ctx.actor());
    let row = annotation::set_flag(app, actor, id::reference(id), flag, expected_version).await;
    // Nullable, as each mutation: an error then leaves the results of sibling mutations in the answer.
    // https://spec.graphql.org/September2025/#sec-Handling-Execution-Errors
    Some(row.map(Annotation::from))
}
