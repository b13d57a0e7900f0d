//! Changes of drafts.

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

#[derive(Default)]
pub struct DraftMutation;

/// A draft of which nothing came, as it was at last.
pub struct DiscardedDraft(Arc<annotation_draft::Model>);

/// A draft of which nothing came, as it was at last.
#[Object]
impl DiscardedDraft {
    /// The id that it had.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The task that it was a draft of.
    async fn task_id(&self) -> ID {
        self.0.task_id.into()
    }

    /// The annotation that it would have changed. Null for a new one.
    async fn annotation_id(&self) -> Option<ID> {
        self.0.annotation_id.map(ID::from)
    }

    /// The regions that it held.
    async fn result(&self) -> JsonList {
        JsonList::in_row(self.0.clone(), |row| &row.result)
    }

    /// How long it took, in seconds. Null when nobody measured.
    async fn lead_time(&self) -> Option<f64> {
        self.0.lead_time
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was last saved.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

#[Object]
impl DraftMutation {
    /// Save unfinished work: everybody has one draft of each task to save to, and one of each annotation. The
    /// first save makes it, every other one takes the place of what was saved before. Drafts that came with an
    /// import are beside it and stay.
    ///
    /// A draft of a task is for whoever may annotate there; of an annotation for whoever may change it.
    ///
    /// Errors, in this order: BAD_USER_INPUT, NOT_FOUND for a task or annotation that you may not see, FORBIDDEN,
    /// CONFLICT with `currentVersion` and `current`, the draft as it is: 0 and null when there is none.
    async fn save_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveDraftInput,
    ) -> Option<Result<AnnotationDraft>> {
        let row = draft::save(ctx.app(), ctx.actor(), input.into()).await;
        Some(row.map(AnnotationDraft::from))
    }

    /// Hand in a draft of yours: a draft of a task becomes an annotation, as by `createAnnotation`; one of an
    /// annotation changes it, as by `updateAnnotation`. Its `draftCreatedAt` is when the draft was created. Then
    /// the draft is gone, whether it changed anything or not, and with it every other draft of yours of that
    /// annotation; when it is refused, it stays.
    ///
    /// Errors, in this order: BAD_USER_INPUT, NOT_FOUND for a draft that you may not see or that somebody
    /// submitted or discarded meanwhile, FORBIDDEN for drafts of others and where you may not annotate or change,
    /// CONFLICT, BAD_USER_INPUT with every problem of the draft, at `["id", "result", …]`.
    async fn submit_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft's id.")] id: ID,
        #[graphql(desc = "What else to say of the annotation; nothing unless given.")]
        input: Option<SubmitDraftInput>,
    ) -> Option<Result<Annotation>> {
        let submission = input.unwrap_or_default().into();
        let row = draft::submit(ctx.app(), ctx.actor(), id::reference(&id), submission).await;
        Some(row.map(Annotation::from))
    }

    /// Delete a draft: of yours, or as a manager of the project anybody's. Answers with what it held. NOT_FOUND
    /// for one that you may not see.
    async fn discard_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft's id.")] id: ID,
    ) -> Option<Result<DiscardedDraft>> {
        let row = draft::discard(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(row.map(|row| DiscardedDraft(Arc::new(row))))
    }

    /// Take an annotation back: it is deleted, as by `deleteAnnotation`, and its `result` and `leadTime` become
    /// your draft of its task, for a new annotation. Annotators take back their own, managers any.
    ///
    /// Errors, in this order: NOT_FOUND, FORBIDDEN, CONFLICT, BAD_USER_INPUT with ALREADY_TAKEN while you have a
    /// draft of it, or one of its task that you save to: it would be lost.
    async fn convert_annotation_to_draft(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The annotation's id.")] id: ID,
        #[graphql(desc = "Refuse with CONFLICT unless it is at this version.")]
        expected_version: Option<i32>,
    ) -> Option<Result<AnnotationDraft>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let row = draft::convert(app, actor, id::reference(&id), expected_version).await;
        Some(row.map(AnnotationDraft::from))
    }
}
