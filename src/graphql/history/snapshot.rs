//! Annotations as they were.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::version_id;
use crate::{
    app::compute,
    domain::history::snapshot::{Snapshot, VersionOf},
    error::{Error, Result},
    graphql::{
        annotation::AnnotationAction,
        context::ContextExt,
        loader::{ConfigOf, TaskId},
        region::{self, Region, RegionType},
        scalar::{DateTime, JsonList},
        task::Task,
        user::User,
    },
    labelstudio::entry::entries,
};

/// An annotation as it was at one of its versions. No entity: it never takes the place of the annotation as
/// it is.
#[derive(Clone)]
pub struct AnnotationSnapshot(pub Arc<Snapshot>);

impl AnnotationSnapshot {
    pub async fn load(ctx: &Context<'_>, annotation_id: i64, version: i32) -> Result<Option<Self>> {
        let key = VersionOf {
            annotation_id,
            version,
        };
        Ok(ctx.loader().load_one(key).await?.map(Self))
    }

    /// The text of `result`.
    pub async fn stored_result(&self, ctx: &Context<'_>) -> Result<Arc<str>> {
        let text = ctx.loader().load_one(self.0.result).await?;
        text.ok_or(Error::NotFound("annotation"))
    }
}

/// An annotation as it was at one of its versions. No entity: it never takes the place of the annotation as
/// it is.
#[Object]
impl AnnotationSnapshot {
    /// Unique among snapshots: the annotation's id and the version, like `15:2`. A version never changes.
    async fn id(&self) -> ID {
        version_id(self.0.annotation_id, self.0.version)
    }

    /// The annotation's id.
    async fn annotation_id(&self) -> ID {
        self.0.annotation_id.into()
    }

    /// The version.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The regions that it had, in Label Studio's format and value-faithful: same key order, same number
    /// values.
    async fn result(&self, ctx: &Context<'_>) -> Result<JsonList> {
        let text = self.stored_result(ctx).await?;
        Ok(JsonList(text.as_ref().to_owned()))
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
        let config = ctx.loader().load_one(ConfigOf(self.0.project_id)).await?;
        let config = config.unwrap_or_default();
        let result = self.stored_result(ctx).await?;
        Ok(region::of_result(&result, &config, &filter).await)
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
        let row = ctx.loader().load_one(TaskId(self.0.task_id)).await;
        Some(row.transpose()?.map(Task::Row))
    }

    /// Who stood as its author. Null without one, once that user is gone, and while you may not see them.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.completed_by_id).await
    }

    /// Who stood as its last updater. Null once that user is gone, and while you may not see them.
    async fn updated_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, self.0.updated_by_id).await
    }

    /// The task was skipped.
    async fn was_cancelled(&self) -> bool {
        self.0.was_cancelled
    }

    /// It was the task's ground truth.
    async fn ground_truth(&self) -> bool {
        self.0.ground_truth
    }

    /// How long it had taken, in seconds. Null when nobody had measured.
    async fn lead_time(&self) -> Option<f64> {
        self.0.lead_time
    }

    /// What had made the version.
    async fn last_action(&self) -> Option<AnnotationAction> {
        Some(self.0.last_action.into())
    }

    /// When the version was made.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }
}
