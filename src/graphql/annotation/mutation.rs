//! Changes of annotations.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    super::{context::ContextExt, scalar::Uuid},
    Annotation,
    batch::{
        BatchErrorPolicy, CreateAnnotationItem, CreateAnnotationOutcome, DeleteAnnotationItem,
        DeleteAnnotationOutcome, UpdateAnnotationItem, UpdateAnnotationOutcome, told,
    },
    input::{CreateAnnotationInput, UpdateAnnotationInput},
};
use crate::{
    domain::annotation::{self, batch},
    error::Result,
    id,
};

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

impl From<annotation::Deleted> for DeletedAnnotation {
    fn from(annotation::Deleted { row }: annotation::Deleted) -> Self {
        Self {
            id: row.id.into(),
            unique_id: Uuid(row.unique_id),
            version: row.version,
            task_id: row.task_id.into(),
        }
    }
}

#[Object]
impl AnnotationMutation {
    /// Annotate a task. Its counters follow. A draft that you have of it stays: `submitDraft` makes an
    /// annotation of that. NOT_FOUND for a task that you may not see, FORBIDDEN for viewers.
    async fn create_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task to annotate.")] task_id: ID,
        #[graphql(desc = "The annotation.")] input: CreateAnnotationInput,
        #[graphql(
            default,
            desc = "Check everything and write nothing. The answer is the annotation as it would be; its `id` is \"0\", for it has none."
        )]
        validate_only: bool,
    ) -> Option<Result<Annotation>> {
        let (app, actor, task_id) = (ctx.app(), ctx.actor(), id::reference(&task_id));
        let row = annotation::create(app, actor, task_id, input.into(), validate_only).await;
        Some(row.map(Annotation::from))
    }

    /// Change an annotation: what is sent is set, what is left out stays. Each accepted change is one item
    /// of its history and one more version; a change that changes nothing is neither. Annotators change
    /// their own, reviewers and managers any. A refused change leaves no trace.
    ///
    /// Your own drafts of it go with a change, and with a result that you send though it changes nothing; those
    /// of others stay.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// CONFLICT when `expectedVersion` is not the current one, BAD_USER_INPUT with every reference that
    /// leads nowhere.
    async fn update_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "What to change.")] input: UpdateAnnotationInput,
        #[graphql(
            default,
            desc = "Check everything and write nothing. The answer is the annotation as it would be; what it leads to, such as its task and history, is as it is, and `diff` has nothing to tell."
        )]
        validate_only: bool,
    ) -> Option<Result<Annotation>> {
        let (app, actor, id) = (ctx.app(), ctx.actor(), id::reference(&id));
        let row = annotation::update(app, actor, id, input.into(), validate_only).await;
        Some(row.map(Annotation::from))
    }

    /// Bring back what an annotation was at one of its versions: `result`, `wasCancelled`, `groundTruth`,
    /// `leadTime` and `completedBy`, who stays as it is when that user is gone. That is one more version; the
    /// history is never rewritten. What is so already is no change. The annotation stays in the task that it
    /// is in: a move is not undone.
    ///
    /// A deleted annotation comes back with its id, into the task that it was in; its drafts, its
    /// reviews and its place as a parent of others do not. The version of its deletion is what was deleted.
    ///
    /// Who may change the annotation may restore it; of deleted ones annotators their own, managers any. The
    /// ground truth is given and taken by reviewers and managers, authorship changed by managers.
    ///
    /// Errors, in this order: NOT_FOUND, FORBIDDEN, CONFLICT, BAD_USER_INPUT with UNKNOWN_VERSION for a
    /// version that there never was, NOT_RESTORABLE when its task is gone or it was deleted before this server
    /// kept enough of it, UNFIT_RESULT when the result of then does not fit the labelling config, or
    /// ALREADY_TAKEN when another annotation has its unique id by now.
    async fn restore_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "The version to bring back.")] version: i32,
        #[graphql(
            desc = "Refuse with CONFLICT unless it is at this version; a deleted one is at that of its deletion."
        )]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let row =
            annotation::restore(app, actor, id::reference(&id), version, expected_version).await;
        Some(row.map(Annotation::from))
    }

    /// Delete an annotation, its drafts and its reviews; its history stays. Annotators delete their own, managers any.
    async fn delete_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<DeletedAnnotation>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let deleted = annotation::delete(app, actor, id::reference(&id), expected_version).await;
        Some(deleted.map(Into::into))
    }

    /// Annotate many tasks in one transaction, each as `createAnnotation` does, with an outcome for each.
    /// At most 1,000 items; a task may be named by several. Of several ground truths for one task, the last
    /// one is it.
    async fn create_annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotations, each with its task.")] items: Vec<CreateAnnotationItem>,
        #[graphql(
            default_with = "BatchErrorPolicy::RejectAll",
            desc = "What becomes of the others when one is refused."
        )]
        on_error: BatchErrorPolicy,
    ) -> Option<Result<Vec<CreateAnnotationOutcome>>> {
        let items = items.into_iter().map(Into::into).collect();
        let outcomes = batch::create(ctx.app(), ctx.actor(), items, on_error.into()).await;
        Some(told(outcomes))
    }

    /// Change many annotations in one transaction, each as `updateAnnotation` does, with an outcome for each.
    /// At most 1,000 items, no two of one annotation. Items take effect in their order.
    async fn update_annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotations, each with its change.")] items: Vec<
            UpdateAnnotationItem,
        >,
        #[graphql(
            default_with = "BatchErrorPolicy::RejectAll",
            desc = "What becomes of the others when one is refused."
        )]
        on_error: BatchErrorPolicy,
    ) -> Option<Result<Vec<UpdateAnnotationOutcome>>> {
        let items = items.into_iter().map(Into::into).collect();
        let outcomes = batch::update(ctx.app(), ctx.actor(), items, on_error.into()).await;
        Some(told(outcomes))
    }

    /// Delete many annotations in one transaction, each as `deleteAnnotation` does, with an outcome for each.
    /// At most 1,000 items, no two of one annotation.
    async fn delete_annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotations.")] items: Vec<DeleteAnnotationItem>,
        #[graphql(
            default_with = "BatchErrorPolicy::RejectAll",
            desc = "What becomes of the others when one is refused."
        )]
        on_error: BatchErrorPolicy,
    ) -> Option<Result<Vec<DeleteAnnotationOutcome>>> {
        let items = items.into_iter().map(Into::into).collect();
        let outcomes = batch::delete(ctx.app(), ctx.actor(), items, on_error.into()).await;
        Some(told(outcomes))
    }
}
