//! Annotations as they were.

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
        loader::{ConfigOf, ResultOf},
        region::{self, Region, RegionType},
        scalar::{DateTime, JsonList},
        task::Task,
        user::User,
    },
};

/// An annotation as it was at one of its versions. No entity: it never takes the place of the annotation as
/// it is.
#[derive(Clone)]
pub struct AnnotationSnapshot {
    pub snapshot: Arc<Snapshot>,
    /// The text of `result`, when that was to be read along.
    result: Option<Arc<str>>,
}

impl AnnotationSnapshot {
    /// A version, with its result when the field that it is the answer of asks for that.
    pub async fn asked_for(
        ctx: &Context<'_>,
        annotation_id: i64,
        version: i32,
    ) -> Result<Option<Self>> {
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
    text.ok_or(Error::NotFound("annotation"))
}

/// An annotation as it was at one of its versions. No entity: it never takes the place of the annotation as
/// it is.
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

    /// The regions that it had, in Label Studio's format and value-faithful: same key order, same number
    /// values.
    async fn result(&self, ctx: &Context<'_>) -> Result<JsonList> {
        let text = self.stored_result(ctx).await?;
        Ok(JsonList::in_row(text, |text: &str| text))
    }

    /// The regions of `result`, in its order, each of its own type, read by the current labelling config of the project
    /// that the annotation was in. Of several arguments all have to match.
    async fn regions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those with one of these ids. None when it is empty.")] ids: Option<
            Vec<ID>,
        >,
        #[graphql(desc = "Those with one of these labels. None when it is empty.")] labels: Option<
            Vec<String>,
        >,
        #[graphql(desc = "Those of one of these types. None when it is empty.")] types: Option<
            Vec<RegionType>,
        >,
    ) -> Result<Vec<Region>> {
        let filter = region::Filter::new(ids, labels, types);
        let config = ctx
            .loader()
            .load_one(ConfigOf(self.snapshot.project_id))
            .await?;
        let config = config.unwrap_or_default();
        region::of_result(ctx, &self.stored_result(ctx).await?, &config, &filter).await
    }

    /// Items of `result`.
    async fn region_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let result = self.stored_result(ctx).await?;
        compute::charge(result.len()).await;
        let count = entries(&result).len();
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// The task that it was in. Null once that task is gone.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        Task::load(ctx, self.snapshot.task_id).await.transpose()
    }

    /// Who stood as its author. Null without one, once that user is gone, and while you may not see them.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.snapshot.completed_by_id).await
    }

    /// Who stood as its last updater. Null once that user is gone, and while you may not see them.
    async fn updated_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.snapshot.updated_by_id).await
    }

    /// The task was skipped.
    async fn was_cancelled(&self) -> bool {
        self.snapshot.was_cancelled
    }

    /// It was the task's ground truth.
    async fn ground_truth(&self) -> bool {
        self.snapshot.ground_truth
    }

    /// How long it had taken, in seconds. Null when nobody had measured.
    async fn lead_time(&self) -> Option<f64> {
        self.snapshot.lead_time
    }

    /// What had made the version.
    async fn last_action(&self) -> Option<AnnotationAction> {
        Some(self.snapshot.last_action.into())
    }

    /// When the version was made.
    async fn at(&self) -> DateTime {
        DateTime(self.snapshot.at)
    }
}
