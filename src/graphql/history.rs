//! Revisions of annotations as a list.

mod diff;
mod snapshot;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::annotation_revision;

use super::{
    annotation::AnnotationAction, connection::ListQuery, loader::History, scalar::DateTime,
    user::User,
};
use crate::{
    domain::{
        history,
        page::{Arguments, Page},
    },
    error::{Error, Problem, Result},
};

pub use self::{diff::AnnotationDiff, snapshot::AnnotationSnapshot};

/// An accepted change of an annotation.
#[derive(Clone)]
pub struct AnnotationRevision(pub Arc<annotation_revision::Model>);

impl From<annotation_revision::Model> for AnnotationRevision {
    fn from(row: annotation_revision::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// An accepted change of an annotation.
#[Object]
impl AnnotationRevision {
    /// Unique among revisions: the annotation's id and the version that the change made, like `15:2`. A version
    /// is made once, before and after a deletion alike.
    async fn id(&self) -> ID {
        version_id(self.0.annotation_id, self.0.version)
    }

    /// The version that the change made.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Kind of the change.
    async fn action(&self) -> AnnotationAction {
        self.0.action.into()
    }

    /// User who made the change. Null after the user's deletion, and while you may not see the user.
    async fn actor(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.actor_id).await
    }

    /// Time of the change.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Changed fields of the annotation, by their names in this schema and in alphabetical order. Fields
    /// that follow every change (`version`, `updatedAt`, `lastAction`, …) are not listed.
    async fn changed_fields(&self) -> Result<Vec<String>> {
        history::changed_fields(&self.0.changes)
    }

    /// The reviewer's comment. Null without a comment, and for changes that are no reviews.
    async fn comment(&self) -> Option<Result<String>> {
        history::comment(&self.0.changes).transpose()
    }

    /// The annotation at this version. For a deletion, the state before the deletion.
    async fn annotation(&self, ctx: &Context<'_>) -> Result<AnnotationSnapshot> {
        let (id, version) = (self.0.annotation_id, self.0.version);
        // Missing only if the project was deleted, or the viewer's access ended, between the two reads.
        let snapshot = AnnotationSnapshot::asked_for(ctx, id, version).await?;
        snapshot.ok_or(Error::NotFound("annotation"))
    }
}

/// Names a version of an annotation, like `15:2`. The id of the revision's row would tell how much is written in
/// projects that the viewer does not see.
pub fn version_id(annotation_id: i64, version: i32) -> ID {
    // Unique across all annotations, since clients cache objects by type and id.
    ID(format!("{annotation_id}:{version}"))
}

impl ListQuery for History {
    type Filter = Self;
    type Row = annotation_revision::Model;

    fn filter(&self) -> Self {
        Self
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        Page::new(arguments, &"history")
    }
}
