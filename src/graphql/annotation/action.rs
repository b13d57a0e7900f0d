//! Changes of annotations that deserve a name: of one flag each.

use async_graphql::{Context, ID, Object};

use super::{super::context::ContextExt, Annotation};
use crate::{
    domain::annotation::{self, Flag},
    error::Result,
    id,
};

#[derive(Default)]
pub struct FlagMutation;

#[Object]
impl FlagMutation {
    /// Cancel an annotation: its task was skipped, and it does not count as one. As `updateAnnotation` with
    /// `wasCancelled: true`: for whoever may change it, with the same errors, and no change when it is so already.
    /// To skip a task that you have not annotated, create an annotation with `wasCancelled: true`.
    async fn skip_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::WasCancelled(true), expected_version).await
    }

    /// Let an annotation count again that was cancelled. As `updateAnnotation` with `wasCancelled: false`. Where
    /// the project checks strictly, UNFIT_RESULT when its result does not fit the labelling config.
    async fn unskip_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::WasCancelled(false), expected_version).await
    }

    /// Declare an annotation the ground truth of its task, which takes that from the one that was. As
    /// `updateAnnotation` with `groundTruth: true`: for reviewers and managers, with the same errors, and no
    /// change when it is so already.
    async fn set_ground_truth(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        set(ctx, &id, Flag::GroundTruth(true), expected_version).await
    }

    /// Take the ground truth from an annotation: its task has none then. As `updateAnnotation` with
    /// `groundTruth: false`.
    async fn unset_ground_truth(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
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
    Some(row.map(Annotation::from))
}
