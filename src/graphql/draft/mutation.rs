//! Mutations of drafts.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::annotation_draft;

use super::{
    super::{
        annotation::Annotation,
        context::ContextExt,
        scalar::{DateTime, JsonList},
    },
    AnnotationDraft,
    input::{SaveDraftInput, SubmitDraftInput},
};
use crate::{domain::draft, error::Result, id};

/// Root fields that write drafts.
#[derive(Default)]
pub struct DraftMutation;

/// Final content of a discarded draft.
pub struct DiscardedDraft(Arc<annotation_draft::Model>);

/// Final content of a discarded draft.
#[Object]
impl DiscardedDraft {
    /// Id of the deleted row.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The task of the draft.
    async fn task_id(&self) -> ID {
        self.0.task_id.into()
    }

    /// The annotation that the draft would have changed. Null for a draft of a new annotation.
    async fn annotation_id(&self) -> Option<ID> {
        self.0.annotation_id.map(ID::from)
    }

    /// The regions of the draft.
    async fn result(&self) -> JsonList {
        JsonList::in_row(self.0.clone(), |row| &row.result)
    }

    /// Working time in seconds. Null when not measured.
    async fn lead_time(&self) -> Option<f64> {
        self.0.lead_time
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time of the last save.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

#[Object]
impl DraftMutation {
    /// Save unfinished work. Every person has a single draft per task and per annotation: the first save
    /// creates the draft, each later save replaces the content. Imported drafts are separate and stay.
    ///
    /// A draft of a task needs permission to annotate the task; a draft of an annotation needs permission
    /// to change the annotation.
    ///
    /// Errors, in this order: BAD_USER_INPUT, NOT_FOUND for a task or annotation that you may not see,
    /// FORBIDDEN, CONFLICT with `currentVersion` and `current`, the current draft: 0 and null when there is
    /// no draft.
    async fn save_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The content to save.")] input: SaveDraftInput,
    ) -> Option<Result<AnnotationDraft>> {
        let row = draft::save(ctx.app(), ctx.actor(), input.into()).await;
        Some(row.map(AnnotationDraft::from))
    }

    /// Submit a draft of yours: a draft of a task becomes an annotation, as in `createAnnotation`; a draft
    /// of an annotation changes the annotation, as in `updateAnnotation`. `draftCreatedAt` becomes the
    /// creation time of the draft. The submission deletes the draft, with or without an effect on the
    /// annotation, and all your drafts of that annotation; a refusal keeps the drafts.
    ///
    /// Errors, in this order: BAD_USER_INPUT, NOT_FOUND for a draft that you may not see or that was
    /// submitted or discarded meanwhile, FORBIDDEN for drafts of other people and where you may not
    /// annotate or change, CONFLICT, BAD_USER_INPUT with every problem of the draft, at `["id", "result",
    /// …]`.
    async fn submit_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft's id.")] id: ID,
        #[graphql(desc = "Fields of the annotation beyond the draft; none unless given.")]
        input: Option<SubmitDraftInput>,
    ) -> Option<Result<Annotation>> {
        // Absent input submits the draft unchanged.
        let submission = input.unwrap_or_default().into();
        let row = draft::submit(ctx.app(), ctx.actor(), id::reference(&id), submission).await;
        Some(row.map(Annotation::from))
    }

    /// Delete a draft: of yours, or as a manager of the project anybody's. Answers with the content.
    /// NOT_FOUND for a draft that you may not see.
    async fn discard_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft's id.")] id: ID,
    ) -> Option<Result<DiscardedDraft>> {
        let row = draft::discard(ctx.app(), ctx.actor(), id::reference(&id)).await;
        // The answer holds the discarded row, so that a client can undo by saving again.
        Some(row.map(|row| DiscardedDraft(Arc::new(row))))
    }

    /// Turn an annotation back into a draft: the annotation is deleted, as in `deleteAnnotation`, and
    /// `result` and `leadTime` become your draft of the task, for a new annotation. Annotators convert
    /// their own annotations, managers any.
    ///
    /// Errors, in this order: NOT_FOUND, FORBIDDEN, CONFLICT, BAD_USER_INPUT with ALREADY_TAKEN while you
    /// have a draft of the annotation, or the draft of the task that you save to, because that draft would
    /// be lost.
    async fn convert_annotation_to_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless the annotation is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<AnnotationDraft>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let row = draft::convert(app, actor, id::reference(&id), expected_version).await;
        Some(row.map(AnnotationDraft::from))
    }
}
