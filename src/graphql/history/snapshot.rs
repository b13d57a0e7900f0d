//! Annotations as of a version.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use label_studio::entry::entries;

use super::version_id;
use crate::{
    app::compute,
    domain::history::snapshot::{Snapshot, VersionOf},
    error::{Error, Result},
    graphql::{
        annotation::AnnotationAction,
        context::{At, ContextExt},
        list::List,
        loader::{ConfigOf, ResultOf},
        region::{self, Region, RegionType},
        scalar::{DateTime, JsonList, int},
        task::Task,
        user::User,
    },
};

/// State of an annotation at a version. A snapshot is no entity: caches never confuse a snapshot with
/// the current annotation.
#[derive(Clone)]
pub struct AnnotationSnapshot {
    pub snapshot: Arc<Snapshot>,
    /// The text of `result`, when that was to be read along.
    result: Option<Arc<str>>,
}

impl AnnotationSnapshot {
    /// Reads a version for a field, with the result if selected.
    pub async fn asked_for(
        ctx: &Context<'_>,
        annotation_id: i64,
        version: i32,
    ) -> Result<Option<Self>> {
        // `regionCount` is not stored in the history and needs the result.
        let times = ctx.results(At::Object) + ctx.times(At::Object, &["regionCount"]);
        Self::load(ctx, annotation_id, version, times).await
    }

    /// A version, with its result when the answer holds that.
    pub async fn load(
        ctx: &Context<'_>,
        annotation_id: i64,
        version: i32,
        times: u64,
    ) -> Result<Option<Self>> {
        let key = VersionOf {
            annotation_id,
            version,
        };
        let Some(snapshot) = ctx.loader().load_one(key).await? else {
            return Ok(None);
        };
        let result = match times {
            // Without a field that needs the result, the text is not read.
            0 => None,
            _ => Some(read(ctx, &snapshot, times).await?),
        };
        Ok(Some(Self { snapshot, result }))
    }

    /// The text of `result`.
    pub async fn stored_result(&self, ctx: &Context<'_>) -> Result<Arc<str>> {
        match &self.result {
            Some(text) => Ok(text.clone()),
            None => read(ctx, &self.snapshot, 1).await,
        }
    }
}

async fn read(ctx: &Context<'_>, snapshot: &Snapshot, times: u64) -> Result<Arc<str>> {
    let result = snapshot.result;
    let text = ctx.loader().load_one(ResultOf { result, times }).await?;
    let text = text.transpose()?;
    // The history was deleted with its project between two reads.
    text.ok_or(Error::NotFound("annotation"))
}

/// State of an annotation at a version. A snapshot is no entity: caches never confuse a snapshot with
/// the current annotation.
#[Object]
impl AnnotationSnapshot {
    /// Unique among snapshots: the annotation's id and the version, like `15:2`. A version never changes.
    async fn id(&self) -> ID {
        version_id(self.snapshot.annotation_id, self.snapshot.version)
    }

    /// The annotation's id.
    async fn annotation_id(&self) -> ID {
        self.snapshot.annotation_id.into()
    }

    /// The version.
    async fn version(&self) -> i32 {
        self.snapshot.version
    }

    /// The regions at this version, in Label Studio's format and value-faithful: same key order, same
    /// number values.
    async fn result(&self, ctx: &Context<'_>) -> Result<JsonList> {
        let text = self.stored_result(ctx).await?;
        Ok(JsonList::in_row(text, |text: &str| text))
    }

    /// The regions of `result`, in the same order, each as its own type, read by the current labelling
    /// config of the annotation's project at this version. A region has to match every given argument.
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
        let config = ctx
            .loader()
            .load_one(ConfigOf(self.snapshot.project_id))
            .await?;
        // Regions are read by the present config, since configs have no history.
        let config = config.unwrap_or_default();
        region::of_result(ctx, &self.stored_result(ctx).await?, &config, &filter).await
    }

    /// Items of `result`.
    async fn region_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let result = self.stored_result(ctx).await?;
        // Parsing a large result blocks a thread, so the operation moves to a worker.
        compute::charge(result.len()).await;
        Ok(int(entries(&result).len()))
    }

    /// The task at this version. Null after the task's deletion.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        Task::load(ctx, self.snapshot.task_id).await.transpose()
    }

    /// The author at this version. Null without an author, after the user's deletion, and while you may not
    /// see the user.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.snapshot.completed_by_id).await
    }

    /// The last updater at this version. Null after the user's deletion, and while you may not see the
    /// user.
    async fn updated_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.snapshot.updated_by_id).await
    }

    /// The task was skipped.
    async fn was_cancelled(&self) -> bool {
        self.snapshot.was_cancelled
    }

    /// The annotation was the task's ground truth.
    async fn ground_truth(&self) -> bool {
        self.snapshot.ground_truth
    }

    /// Working time in seconds. Null when not measured.
    async fn lead_time(&self) -> Option<f64> {
        self.snapshot.lead_time
    }

    /// Kind of the change that made the version.
    async fn last_action(&self) -> Option<AnnotationAction> {
        Some(self.snapshot.last_action.into())
    }

    /// Time of the version.
    async fn at(&self) -> DateTime {
        DateTime(self.snapshot.at)
    }
}
