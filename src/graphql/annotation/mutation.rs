//! Changes of annotations.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    super::{context::ContextExt, scalar::Uuid},
    Annotation,
    input::{CreateAnnotationInput, UpdateAnnotationInput},
};
use crate::{db::reference, domain::annotation, error::Result};

#[derive(Default)]
pub struct AnnotationMutation;

/// What is left of a deleted annotation: its history stays.
#[derive(SimpleObject)]
pub struct DeletedAnnotation {
    /// The id that it had.
    id: ID,
    /// The unique id that it had.
    unique_id: Uuid,
    /// The version of its tombstone, one more than the last that it had.
    version: i32,
    /// The task that it belonged to.
    task_id: ID,
}

#[Object]
impl AnnotationMutation {
    /// Annotate a task. Its counters follow. NOT_FOUND for a task that you may not see, FORBIDDEN for
    /// viewers.
    async fn create_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task to annotate.")] task_id: ID,
        #[graphql(desc = "The annotation.")] input: CreateAnnotationInput,
    ) -> Option<Result<Annotation>> {
        let task_id = reference(&task_id);
        let row = annotation::create(ctx.app(), ctx.actor(), task_id, input.into()).await;
        Some(row.map(Annotation::from))
    }

    /// Change an annotation: what is sent is set, what is left out stays. Each accepted change is one item
    /// of its history and one more version; a change that changes nothing is neither. Annotators change
    /// their own, reviewers and managers any. A refused change leaves no trace.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// CONFLICT when `expectedVersion` is not the current one, BAD_USER_INPUT with every reference that
    /// leads nowhere.
    async fn update_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "What to change.")] input: UpdateAnnotationInput,
    ) -> Option<Result<Annotation>> {
        let row = annotation::update(ctx.app(), ctx.actor(), reference(&id), input.into()).await;
        Some(row.map(Annotation::from))
    }

    /// Delete an annotation and its drafts; its history stays. Annotators delete their own, managers any.
    async fn delete_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<DeletedAnnotation>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let deleted = annotation::delete(app, actor, reference(&id), expected_version).await;
        Some(
            deleted.map(|annotation::Deleted { row }| DeletedAnnotation {
                id: row.id.into(),
                unique_id: Uuid(row.unique_id),
                version: row.version,
                task_id: row.task_id.into(),
            }),
        )
    }
}
