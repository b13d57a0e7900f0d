//! Prediction type with its fields, and its root field.

mod mutation;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::prediction;
use label_studio::ago::ago;

use super::{
    context::{At, ContextExt},
    list::List,
    loader::{ConfigOf, PredictionId},
    project::Project,
    region::{self, Region, RegionType},
    scalar::{DateTime, JsonList},
    task::Task,
};
use crate::{error::Result, id, instant};

pub use self::mutation::PredictionMutation;

/// A result that a model proposed for a task.
#[derive(Clone)]
pub struct Prediction(pub Arc<prediction::Model>);

/// A result that a model proposed for a task.
#[Object]
impl Prediction {
    /// Unique among predictions.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// 1 at first, incremented by every `updatePrediction` with an effect, and by nothing else. As
    /// `expectedVersion`, the value makes the server refuse a change when the prediction was changed
    /// meanwhile.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The task of the prediction.
    async fn task(&self, ctx: &Context<'_>) -> Result<Task> {
        Task::known(ctx, self.0.task_id).await
    }

    /// The task's project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::known(ctx, self.0.project_id).await
    }

    /// The regions, in Label Studio's format and value-faithful.
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
        let config = ctx.loader().load_one(ConfigOf(self.0.project_id)).await?;
        // A project without a config reads regions by their types alone.
        let config = config.unwrap_or_default();
        region::of_result(ctx, &self.0.result, &config, &filter).await
    }

    /// Confidence of the model in the whole result, usually from 0 to 1. Null when the model gave no score.
    async fn score(&self) -> Option<f64> {
        self.0.score
    }

    /// Name and version of the model. Null when unknown.
    async fn model_version(&self) -> Option<&str> {
        self.0.model_version.as_deref()
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
}

impl Prediction {
    /// Reads a prediction visible to the viewer, with the result if selected.
    pub async fn load(ctx: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let times = ctx.results(At::Object);
        let row = ctx
            .loader()
            .load_one(PredictionId { id, times })
            .await?
            .transpose()?;
        Ok(row.map(Self))
    }
}

/// Root field that reads a prediction.
#[derive(Default)]
pub struct PredictionQuery;

#[Object]
impl PredictionQuery {
    /// A prediction by id. Null when no such prediction exists, or you may not see the prediction.
    async fn prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prediction's id.")] id: ID,
    ) -> Option<Result<Prediction>> {
        Prediction::load(ctx, id::reference(&id)).await.transpose()
    }
}
