//! Draft type with its fields.

mod input;
mod mutation;
mod query;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::{annotation_draft, replaced_draft};
use label_studio::ago::ago;

use super::{
    annotation::Annotation,
    context::{At, ContextExt},
    list::List,
    loader::{ConfigOfTask, DraftId, ReplacedOf},
    region::{self, Region, RegionType},
    scalar::{DateTime, JsonList},
    task::Task,
    user::User,
};
use crate::{error::Result, instant};

pub use self::{mutation::DraftMutation, query::DraftQuery};

/// An unfinished annotation of a task, or an unfinished change of an existing annotation. Each draft
/// belongs to a single author.
#[derive(Clone)]
pub struct AnnotationDraft(pub Arc<annotation_draft::Model>);

impl From<annotation_draft::Model> for AnnotationDraft {
    fn from(row: annotation_draft::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl AnnotationDraft {
    /// Reads a draft visible to the viewer, with the result if selected.
    pub async fn load(ctx: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let times = ctx.results(At::Object);
        let row = ctx
            .loader()
            .load_one(DraftId { id, times })
            .await?
            .transpose()?;
        Ok(row.map(Self))
    }
}

/// An unfinished annotation of a task, or an unfinished change of an existing annotation. Each draft
/// belongs to a single author.
#[Object]
impl AnnotationDraft {
    /// Unique among drafts.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// 1 at first, incremented by every save with an effect. As `expectedVersion` of a save, the value
    /// makes the server refuse the save when a second tab saved meanwhile.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The task that is being annotated.
    async fn task(&self, ctx: &Context<'_>) -> Result<Task> {
        Task::known(ctx, self.0.task_id).await
    }

    /// The annotation that the draft will change. Null for a draft of a new annotation.
    async fn annotation(&self, ctx: &Context<'_>) -> Option<Result<Annotation>> {
        let id = self.0.annotation_id?;
        Annotation::load(ctx, id).await.transpose()
    }

    /// The author. Null while you may not see the user.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, Some(self.0.user_id)).await
    }

    /// The regions so far.
    async fn result(&self) -> JsonList {
        JsonList::in_row(self.0.clone(), |row| &row.result)
    }

    /// The regions of `result`, in the same order, each as its own type. A region has to match every given
    /// argument.
    async fn regions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only regions with an id of the list. An empty list matches nothing.")]
        ids: Option<Vec<ID>>,
        #[graphql(desc = "Only regions with a label of the list. An empty list matches nothing.")]
        labels: Option<Vec<String>>,
        #[graphql(desc = "Only regions with a type of the list. An empty list matches nothing.")]
        types: Option<Vec<RegionType>>,
    ) -> Result<List<Region>> {
        let filter = region::Filter::new(ids, labels, types);
        // A draft has no project of its own, so the config is found through the task.
        let config = ctx.loader().load_one(ConfigOfTask(self.0.task_id)).await?;
        let config = config.unwrap_or_default();
        region::of_result(ctx, &self.0.result, &config, &filter).await
    }

    /// Working time so far, in seconds. Null when not measured.
    async fn lead_time(&self) -> Option<f64> {
        self.0.lead_time
    }

    /// The version of the annotation that the draft is based on. Null for a draft of a new annotation, and
    /// for imported drafts.
    async fn annotation_version(&self) -> Option<i32> {
        self.0.annotation_version
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time since the creation, in words.
    async fn created_ago(
        &self,
        #[graphql(desc = "Count up to this instant instead of the present.")] now: Option<DateTime>,
    ) -> String {
        ago(
            self.0.created_at,
            now.map_or_else(instant::now, |now| now.0),
        )
    }

    /// Time of the last save.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Earlier contents that were replaced by saves which dropped or changed regions, newest first:
    /// contents of the last day, at most one a minute and 20 in all. Deleted with the draft.
    async fn replaced(&self, ctx: &Context<'_>) -> Result<List<ReplacedDraft>> {
        let (id, times) = (self.0.id, ctx.results(At::Object));
        let rows = ctx.loader().load_one(ReplacedOf { id, times }).await?;
        let rows = rows.transpose()?.unwrap_or_default();
        // Charges the list before its items are resolved.
        ctx.charge_items(rows.len())?;
        Ok(rows.into_iter().map(ReplacedDraft).collect())
    }
}

/// An earlier content of a draft, which a save replaced.
pub struct ReplacedDraft(Arc<replaced_draft::Model>);

/// An earlier content of a draft, which a save replaced.
#[Object]
impl ReplacedDraft {
    /// Unique among replaced contents.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The regions that the draft held.
    async fn result(&self) -> JsonList {
        JsonList::in_row(self.0.clone(), |row| &row.result)
    }

    /// Time at which this content was saved.
    async fn saved_at(&self) -> DateTime {
        DateTime(self.0.saved_at)
    }
}
