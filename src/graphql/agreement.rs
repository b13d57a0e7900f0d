//! How far annotations agree, in the graph.

use async_graphql::{Context, Enum, ID};
use label_studio::agreement::Metric;

use super::{context::ContextExt, loader::Loaders};
use crate::{
    domain::agreement::{Compared, OfPair, OfTask, Score},
    error::{Error, Problem, ProblemCode, Result},
    id,
};

/// A way to say in a number how far two annotations agree. For what both have in the same place (made by the
/// same control, about the same object, with the same labels) regions are paired one to one, so that the score
/// becomes the largest; what finds no partner counts against it. The formulas and their sources are in
/// `docs/agreement.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Metric")]
pub enum AgreementMetric {
    /// Of rectangles, ellipses and polygons: twice the sum of the pairs' intersections over union, divided by
    /// the regions of both. From 0 to 1.
    Iou,
    /// Of spans of text and of time: F1, where spans of text pair when they are equal, and spans of time when
    /// at least half of what they cover is in both. From 0 to 1.
    SpanF1,
    /// Of choices, taxonomies, ratings, numbers, dates, pairwise comparisons and rankings: the share of the
    /// questions that both answer in the same way, of those that either one answers. From 0 to 1.
    ExactMatch,
    /// Of the answers that EXACT_MATCH compares: Cohen's kappa over all questions that both answer, from -1 to
    /// 1. It is 1 when both give one and the same answer to all of them, where chance could explain everything.
    CohensKappa,
}

/// Of a task's annotations.
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

/// Of an annotation and another one, which the client names.
pub async fn of_pair(
    ctx: &Context<'_>,
    id: i64,
    other: &ID,
    metric: Option<AgreementMetric>,
) -> Option<Result<f64>> {
    match compared(ctx.loader(), id, other, metric).await {
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
    let too_much = "there is too much to compare in one answer";
    score.map_err(|_| Error::TooMuch(too_much)).transpose()
}
