//! Mutations of predictions.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::{
    super::{
        context::ContextExt,
        input::{list_text, patch},
        scalar::JsonObject,
        task::Task,
    },
    Prediction,
};
use crate::{domain::prediction, error::Result, id};

/// A new prediction.
#[derive(InputObject)]
pub struct CreatePredictionInput {
    /// The regions, in Label Studio's format. The regions have to fit the project's labelling config as far
    /// as `checkMode` demands; answers that are required of people are not required of models.
    result: Vec<JsonObject>,
    /// Confidence of the model in the whole result, usually from 0 to 1.
    score: Option<f64>,
    /// Name and version of the model, at most 1,000 characters.
    model_version: Option<String>,
}

/// A change of a prediction. An absent field keeps its value. `null` clears a field, except `result`,
/// where `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdatePredictionInput {
    /// The whole new list of regions, checked like that of a new prediction.
    result: MaybeUndefined<Vec<JsonObject>>,
    /// Confidence of the model in the whole result, usually from 0 to 1.
    score: MaybeUndefined<f64>,
    /// Name and version of the model, at most 1,000 characters.
    model_version: MaybeUndefined<String>,
    /// The prediction's `version` that the change is based on: at a different version the change is refused
    /// with CONFLICT. When absent, the last change wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
}

/// Id and task of a deleted prediction.
pub struct DeletedPrediction {
    id: i64,
    task_id: i64,
}

/// Id and task of a deleted prediction.
#[Object]
impl DeletedPrediction {
    /// Id of the deleted row.
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// The task of the deleted prediction.
    async fn task(&self, ctx: &Context<'_>) -> Result<Task> {
        Task::known(ctx, self.task_id).await
    }
}

/// Root fields that write predictions.
#[derive(Default)]
pub struct PredictionMutation;

#[Object]
impl PredictionMutation {
    /// Add a prediction to a task; the task's `totalPredictions` follows. For managers.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND for the task,
    /// FORBIDDEN, BAD_USER_INPUT with every misfit with the labelling config.
    async fn create_prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] task_id: ID,
        #[graphql(desc = "The prediction.")] input: CreatePredictionInput,
    ) -> Option<Result<Prediction>> {
        let new = prediction::New {
            result: list_text(&input.result),
            score: input.score,
            model_version: input.model_version,
        };
        let row = prediction::create(ctx.app(), ctx.actor(), id::reference(&task_id), new).await;
        Some(row.map(|row| Prediction(Arc::new(row))))
    }

    /// Change a prediction: given fields are set, absent fields keep their values. For managers.
    /// Annotations that were copied from the prediction stay unchanged.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// CONFLICT with `currentVersion` and `current`, the current prediction, BAD_USER_INPUT with every
    /// misfit with the labelling config.
    async fn update_prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prediction's id.")] id: ID,
        #[graphql(desc = "The change.")] input: UpdatePredictionInput,
    ) -> Option<Result<Prediction>> {
        let change = prediction::Change {
            result: patch(input.result, |items| list_text(&items)),
            score: patch(input.score, |score| score),
            model_version: patch(input.model_version, |name| name),
            expected_version: patch(input.expected_version, |version| version),
        };
        let row = prediction::update(ctx.app(), ctx.actor(), id::reference(&id), change).await;
        Some(row.map(|row| Prediction(Arc::new(row))))
    }

    /// Delete a prediction; the task's `totalPredictions` follows. For managers. Annotations that were
    /// copied from the prediction lose their parent.
    ///
    /// Errors: NOT_FOUND, FORBIDDEN.
    async fn delete_prediction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prediction's id.")] id: ID,
    ) -> Option<Result<DeletedPrediction>> {
        let row = prediction::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(row.map(|row| DeletedPrediction {
            id: row.id,
            task_id: row.task_id,
        }))
    }
}
