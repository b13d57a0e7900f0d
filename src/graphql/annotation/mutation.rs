//! Mutations of annotations.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    super::{context::ContextExt, list::List, scalar::Uuid},
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

/// Root fields that write annotations.
#[derive(Default)]
pub struct AnnotationMutation;

/// Ids and final version of a deleted annotation. The history stays.
#[derive(SimpleObject)]
pub struct DeletedAnnotation {
    /// Id of the deleted row.
    id: ID,
    /// Unique id of the deleted annotation.
    unique_id: Uuid,
    /// Version of the tombstone: the last version plus 1.
    version: i32,
    /// The task of the deleted annotation.
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
    /// Annotate a task, and count the task's annotations anew. Your draft of the task stays: `submitDraft`
    /// turns a draft into an annotation. NOT_FOUND for a task that you may not see, FORBIDDEN for viewers.
    async fn create_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task to annotate.")] task_id: ID,
        #[graphql(desc = "The annotation.")] input: CreateAnnotationInput,
        #[graphql(
            default,
            desc = "Check everything and write nothing. The answer is the annotation that would be created, with the `id` \"0\"."
        )]
        validate_only: bool,
    ) -> Option<Result<Annotation>> {
        // Refers to rows by id without a prior check: the domain decides under lock.
        let (app, actor, task_id) = (ctx.app(), ctx.actor(), id::reference(&task_id));
        let row = annotation::create(app, actor, task_id, input.into(), validate_only).await;
        Some(row.map(Annotation::from))
    }

    /// Change an annotation: given fields are set, absent fields keep their values. Each accepted change is
    /// a history item and increments `version`; a change without an effect does neither. Annotators change
    /// their own annotations, reviewers and managers any. A refused change leaves no trace.
    ///
    /// A change removes your own drafts of the annotation, and so does a given result without an effect;
    /// drafts of other people stay.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// CONFLICT when `expectedVersion` is not current, BAD_USER_INPUT with every reference that leads
    /// nowhere.
    async fn update_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "The change.")] input: UpdateAnnotationInput,
        #[graphql(
            default,
            desc = "Check everything and write nothing. The answer is the annotation after the change; linked objects, such as task and history, have their current state, and `diff` is empty."
        )]
        validate_only: bool,
    ) -> Option<Result<Annotation>> {
        let (app, actor, id) = (ctx.app(), ctx.actor(), id::reference(&id));
        let row = annotation::update(app, actor, id, input.into(), validate_only).await;
        Some(row.map(Annotation::from))
    }

    /// Restore `result`, `wasCancelled`, `groundTruth`, `leadTime` and `completedBy` of an earlier version;
    /// a deleted author is not restored. The restoration is a new version; the history is never rewritten.
    /// Equal values are no change. The annotation stays in its current task: a move is not undone.
    ///
    /// A deleted annotation comes back with the same id, in its last task; drafts, reviews and the links
    /// from copies do not come back. The version of the deletion has the state before the deletion.
    ///
    /// Permission to change the annotation includes restoring; deleted annotations: annotators their own,
    /// managers any. Reviewers and managers set the ground truth, managers the author.
    ///
    /// Errors, in this order: NOT_FOUND, FORBIDDEN, CONFLICT, BAD_USER_INPUT with UNKNOWN_VERSION for a
    /// version that never existed, NOT_RESTORABLE when the task is gone or the deletion is older than
    /// tombstones on this server, UNFIT_RESULT when the old result does not fit the current labelling
    /// config, or ALREADY_TAKEN when the unique id is in use by now.
    async fn restore_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "The version to restore.")] version: i32,
        #[graphql(
            desc = "Refuse with CONFLICT unless the annotation is at this version; a deleted annotation is at the version of its deletion."
        )]
        expected_version: Option<i32>,
    ) -> Option<Result<Annotation>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let row =
            annotation::restore(app, actor, id::reference(&id), version, expected_version).await;
        Some(row.map(Annotation::from))
    }

    /// Delete an annotation with its drafts and reviews; the history stays. Annotators delete their own
    /// annotations, managers any.
    async fn delete_annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless the annotation is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<DeletedAnnotation>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        // The answer shows the row before its deletion, which can't be loaded any more.
        let deleted = annotation::delete(app, actor, id::reference(&id), expected_version).await;
        Some(deleted.map(Into::into))
    }

    /// Annotate many tasks in one transaction, each as in `createAnnotation`, with an outcome for each. At
    /// most 1,000 items; several items may name the same task. Of several ground truths for the same task,
    /// the last counts.
    async fn create_annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotations and their tasks.")] items: Vec<CreateAnnotationItem>,
        #[graphql(
            default_with = "BatchErrorPolicy::RejectAll",
            desc = "Handling of the valid items when an item is refused."
        )]
        on_error: BatchErrorPolicy,
    ) -> Option<Result<List<CreateAnnotationOutcome>>> {
        let items = items.into_iter().map(Into::into).collect();
        // Runs the batch as a single root field: root fields of a mutation run one after the other.
        // https://spec.graphql.org/September2025/#sec-Mutation
        let outcomes = batch::create(ctx.app(), ctx.actor(), items, on_error.into()).await;
        Some(told(outcomes))
    }

    /// Change many annotations in one transaction, each as in `updateAnnotation`, with an outcome for each.
    /// At most 1,000 items, no two for the same annotation. Items take effect in the given order.
    async fn update_annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotations and their changes.")] items: Vec<UpdateAnnotationItem>,
        #[graphql(
            default_with = "BatchErrorPolicy::RejectAll",
            desc = "Handling of the valid items when an item is refused."
        )]
        on_error: BatchErrorPolicy,
    ) -> Option<Result<List<UpdateAnnotationOutcome>>> {
        let items = items.into_iter().map(Into::into).collect();
        let outcomes = batch::update(ctx.app(), ctx.actor(), items, on_error.into()).await;
        Some(told(outcomes))
    }

    /// Delete many annotations in one transaction, each as in `deleteAnnotation`, with an outcome for each.
    /// At most 1,000 items, no two for the same annotation.
    async fn delete_annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotations.")] items: Vec<DeleteAnnotationItem>,
        #[graphql(
            default_with = "BatchErrorPolicy::RejectAll",
            desc = "Handling of the valid items when an item is refused."
        )]
        on_error: BatchErrorPolicy,
    ) -> Option<Result<List<DeleteAnnotationOutcome>>> {
        let items = items.into_iter().map(Into::into).collect();
        let outcomes = batch::delete(ctx.app(), ctx.actor(), items, on_error.into()).await;
        Some(told(outcomes))
    }
}
