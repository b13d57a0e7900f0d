//! How far the annotations of a task agree, for many tasks at once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use entity::annotation::{self, Column};
use label_studio::{
    agreement::{self, BudgetExceeded, ComparableResult, Metric, WorkBudget},
    config::Config,
};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Func},
};

use super::{
    access::{self, Actor},
    annotation as annotations, labelling,
};
use crate::{
    app::{App, compute},
    error::Result,
};

/// Steps of one comparison: those of a task's annotations, or of two annotations. Less than a second.
pub const MAX_STEPS: u64 = 100_000_000;
/// Bytes of the results that one comparison reads.
const MAX_BYTES: u64 = 32 << 20;
/// What is compared together may take this many times as much; and no more of it is in memory than is allowed
/// for one.
const TOGETHER: u64 = 8;
/// Annotations that are read at once.
const MAX_READ: usize = 10_000;

/// `Ok(None)` when there is nothing that the metric speaks of.
pub type Score = Result<Option<f64>, BudgetExceeded>;

/// The annotations of one task; without a metric by the one that fits each control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfTask {
    pub task_id: i64,
    pub metric: Option<Metric>,
}

/// Two annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfPair {
    pub ids: [i64; 2],
    pub metric: Option<Metric>,
}

/// What became of the comparison of two annotations.
#[derive(Clone, Copy, Debug)]
pub enum Compared {
    Score(Score),
    /// They belong to different tasks.
    Apart,
}

/// Annotations to compare with one another.
struct Comparison<K> {
    members: Vec<Member>,
    questions: Vec<(K, Option<Metric>)>,
}

struct Member {
    id: i64,
    task_id: i64,
    project_id: i64,
    author_id: Option<i64>,
    bytes: u64,
}

/// The agreement of the uncancelled annotations of each of several tasks, as far as the actor sees them.
pub async fn of_tasks(
    app: &App,
    actor: &Actor,
    asked: &[OfTask],
) -> Result<HashMap<OfTask, Score>> {
    let mut tasks: BTreeMap<i64, Comparison<OfTask>> = BTreeMap::new();
    for of in asked {
        let comparison = tasks.entry(of.task_id).or_insert_with(Comparison::new);
        comparison.questions.push((*of, of.metric));
    }
    let uncancelled = Condition::all()
        .add(Column::TaskId.is_in(tasks.keys().copied()))
        .add(Expr::col((annotation::Entity, Column::WasCancelled)).not());
    for member in members(app, actor, uncancelled).await? {
        if let Some(comparison) = tasks.get_mut(&member.task_id) {
            comparison.members.push(member);
        }
    }
    compare(app, actor, tasks.into_values()).await
}

/// The agreement of pairs of annotations, cancelled or not. Those of which the actor does not see both are left
/// out.
pub async fn of_pairs(
    app: &App,
    actor: &Actor,
    asked: &[OfPair],
) -> Result<HashMap<OfPair, Compared>> {
    let ids: HashSet<i64> = asked.iter().flat_map(|of| of.ids).collect();
    let members = members(app, actor, Condition::all().add(Column::Id.is_in(ids))).await?;
    let members: HashMap<i64, Member> = members.into_iter().map(|it| (it.id, it)).collect();
    let mut found = HashMap::new();
    let mut comparisons = Vec::new();
    for of in asked {
        let [Some(a), Some(b)] = of.ids.map(|id| members.get(&id)) else {
            continue;
        };
        if a.task_id != b.task_id {
            found.insert(*of, Compared::Apart);
            continue;
        }
        // Whoever compares two by name wants to know, whoever wrote them.
        let anonymous = |member: &Member| Member {
            author_id: None,
            ..*member
        };
        comparisons.push(Comparison {
            members: vec![anonymous(a), anonymous(b)],
            questions: vec![(*of, of.metric)],
        });
    }
    let scores = compare(app, actor, comparisons.into_iter()).await?;
    found.extend(
        scores
            .into_iter()
            .map(|(of, score)| (of, Compared::Score(score))),
    );
    Ok(found)
}

/// The mean agreement of all pairs of annotations but those by one and the same author, who is no second
/// result; annotations whose author is not known count as different people's. Pairs in which there is nothing
/// that the metric speaks of are left out.
pub fn among<A: PartialEq>(
    results: &[(Option<A>, &ComparableResult)],
    metric: Option<Metric>,
    budget: &mut WorkBudget,
) -> Score {
    let mut scores = Vec::new();
    for (index, (author, result)) in results.iter().enumerate() {
        for (other_author, other) in &results[index + 1..] {
            if author.is_none() || author != other_author {
                scores.extend(agreement::compare(result, other, metric, budget)?);
            }
        }
    }
    Ok(agreement::mean(scores.into_iter()))
}

impl<K> Comparison<K> {
    fn new() -> Self {
        Self {
            members: Vec::new(),
            questions: Vec::new(),
        }
    }

    fn bytes(&self) -> u64 {
        self.members.iter().map(|member| member.bytes).sum()
    }

    /// Answers every question, with the texts of its annotations.
    fn answer(
        self,
        texts: &HashMap<i64, String>,
        configs: &HashMap<i64, Arc<Config>>,
        steps: &mut u64,
    ) -> Vec<(K, Score)> {
        let members = self.members.iter();
        // One that is gone by now is left out.
        let results: Vec<_> = members
            .filter_map(|it| {
                let (text, config) = (texts.get(&it.id)?, configs.get(&it.project_id)?);
                Some((it.author_id, ComparableResult::read(text, config)))
            })
            .collect();
        let results: Vec<_> = results.iter().map(|(id, result)| (*id, result)).collect();
        let questions = self.questions.into_iter();
        questions
            .map(|(key, metric)| {
                let allowed = std::cmp::min(MAX_STEPS, *steps);
                let mut budget = WorkBudget::new(allowed);
                let score = among(&results, metric, &mut budget);
                *steps -= allowed - budget.remaining();
                (key, score)
            })
            .collect()
    }
}

/// What has to be known of annotations before their results are read, oldest first.
async fn members(app: &App, actor: &Actor, which: Condition) -> Result<Vec<Member>> {
    let result = Expr::col((annotation::Entity, Column::Result));
    let rows: Vec<(i64, i64, i64, Option<i64>, i64)> = access::visible_annotations(actor)
        .select_only()
        .columns([
            Column::Id,
            Column::TaskId,
            Column::ProjectId,
            Column::CompletedById,
        ])
        .expr(Expr::expr(Func::cust("octet_length").arg(result)).cast_as("bigint"))
        .filter(which)
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(app.db.reader())
        .await?;
    let member = |(id, task_id, project_id, author_id, bytes): (_, _, _, _, i64)| Member {
        id,
        task_id,
        project_id,
        author_id,
        bytes: bytes.unsigned_abs(),
    };
    Ok(rows.into_iter().map(member).collect())
}

/// Reads results and compares them, as much at once as one comparison may read.
async fn compare<K: Copy + Eq + Hash + Send + 'static>(
    app: &App,
    actor: &Actor,
    comparisons: impl Iterator<Item = Comparison<K>>,
) -> Result<HashMap<K, Score>> {
    let mut scores = HashMap::new();
    let mut batches: Vec<Vec<Comparison<K>>> = Vec::new();
    let (mut bytes, mut count, mut bytes_together) = (0, 0, 0);
    for comparison in comparisons {
        let score = |score| {
            comparison
                .questions
                .iter()
                .map(move |(key, _)| (*key, score))
        };
        if comparison.members.len() < 2 {
            scores.extend(score(Ok(None)));
            continue;
        }
        let more = comparison.bytes();
        if more > MAX_BYTES
            || bytes_together + more > TOGETHER * MAX_BYTES
            || comparison.members.len() > MAX_READ
        {
            scores.extend(score(Err(BudgetExceeded)));
            continue;
        }
        bytes_together += more;
        (bytes, count) = (bytes + more, count + comparison.members.len());
        if batches.is_empty() || bytes > MAX_BYTES || count > MAX_READ {
            (bytes, count) = (more, comparison.members.len());
            batches.push(Vec::new());
        }
        batches
            .last_mut()
            .expect("there is one by now")
            .push(comparison);
    }
    let mut steps = TOGETHER * MAX_STEPS;
    for batch in batches {
        let members = batch.iter().flat_map(|comparison| &comparison.members);
        let (ids, projects): (HashSet<i64>, HashSet<i64>) =
            members.map(|member| (member.id, member.project_id)).unzip();
        let ids: Vec<i64> = ids.into_iter().collect();
        let projects: Vec<i64> = projects.into_iter().collect();
        let configs = labelling::configs(app, &projects).await?;
        let bytes = batch.iter().map(Comparison::bytes).sum();
        let _held = app.budget.hold(bytes)?;
        // Few bytes can be many steps.
        compute::charge(compute::SMALL).await;
        let texts = annotations::results(app, actor, &ids).await?;
        for comparison in batch {
            scores.extend(comparison.answer(&texts, &configs, &mut steps));
        }
    }
    Ok(scores)
}
