//! Agreement between annotations as fields of tasks and annotations.

use async_graphql::{Context, Enum, ID};
use label_studio::agreement::Metric;

use super::{context::ContextExt, loader::Loaders};
use crate::{
    domain::agreement::{Compared, OfPair, OfTask, Score},
    error::{Error, Problem, ProblemCode, Result},
    id,
};

/// Formula for the agreement of two annotations. Regions in the same place (same control, object and
/// labels) are paired so that the score is maximal; a region without a partner lowers the score.
/// `docs/agreement.md` has the formulas and their sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Metric")]
pub enum AgreementMetric {
    /// Rectangles, ellipses and polygons: twice the sum of the pairs' intersections over union, divided by
    /// the number of regions in both annotations. From 0 to 1.
    Iou,
    /// Spans of text and of time: F1, where spans of text pair when equal, and spans of time when their
    /// intersection over union is at least 0.5. From 0 to 1.
    SpanF1,
    /// Choices, taxonomies, ratings, numbers, dates, pairwise comparisons and rankings: the share of
    /// questions with equal answers, of all questions that at least one annotation answers. From 0 to 1.
    ExactMatch,
    /// Answers as in EXACT_MATCH: Cohen's kappa, from -1 to 1, over all questions that both annotations
    /// answer. Equal to 1 when both give the same single answer to all questions, where kappa is 0 / 0.
    CohensKappa,
}

/// Computes the agreement of a task's annotations, or null without comparable annotations.
pub async fn of_task(
    ctx: &Context<'_>,
    task_id: i64,
    metric: Option<AgreementMetric>,
) -> Option<Result<f64>> {
    let metric = metric.map(Into::into);
    let of = OfTask { task_id, metric };
    match ctx.loader().load_one(of).await {
        Ok(score) => nullable(score?),
        Err(error) => Some(Err(error)),
    }
}

/// Computes the agreement of an annotation with a second annotation, named by the client.
pub async fn of_pair(
    ctx: &Context<'_>,
    id: i64,
    other: &ID,
    metric: Option<AgreementMetric>,
) -> Option<Result<f64>> {
    match compared(&ctx.loader(), id, other, metric).await {
        Ok(score) => nullable(score),
        Err(error) => Some(Err(error)),
    }
}

async fn compared(
    loader: &Loaders,
    id: i64,
    other: &ID,
    metric: Option<AgreementMetric>,
) -> Result<Score> {
    let of = OfPair {
        ids: [id, id::reference(other)],
        metric: metric.map(Into::into),
    };
    // A pair is absent when the viewer does not see both annotations, as if the second id did not exist.
    let (code, message) = match loader.load_one(of).await? {
        Some(Compared::Score(score)) => return Ok(score),
        Some(Compared::Apart) => (
            ProblemCode::TaskMismatch,
            "the annotation belongs to another task",
        ),
        None => (
            ProblemCode::UnknownId,
            "there is no such annotation, or you may not see it",
        ),
    };
    Err(Problem::new(["id"], code, message).into())
}

fn nullable(score: Score) -> Option<Result<f64>> {
    // Only this field becomes null: the rest of the answer needs no comparison.
    let too_much = "there is too much to compare in one answer";
    score.map_err(|_| Error::TooMuch(too_much)).transpose()
}
