//! Agreement between the annotations of a task, computed for many tasks at once (`docs/decisions/0015-agreement.md`).

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
    Condition, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Func},
};

use super::{
    access::{self, Actor},
    annotation as annotations, labelling,
};
use crate::{
    app::{App, compute},
    db::is_any,
    error::Result,
};

/// Step limit of a comparison of all annotations of a task, or of a pair. Takes less than a second.
pub const MAX_STEPS: u64 = 100_000_000;
/// Byte limit of the results that a comparison reads.
const MAX_BYTES: u64 = 32 << 20;
/// Factor by which a request's comparisons together may exceed the steps and bytes of a single comparison. Batches
/// keep the bytes in memory at any time within the limit of a single comparison.
const TOGETHER: u64 = 8;
/// Maximum number of annotations read at once.
const MAX_READ: usize = 10_000;

/// Mean score; `Ok(None)` when the annotations hold no values that the metric compares.
pub type Score = Result<Option<f64>, BudgetExceeded>;

/// Key of a task's agreement; without a metric, each control is compared by its default metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfTask {
    pub task_id: i64,
    pub metric: Option<Metric>,
}

/// Key of the agreement between two annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfPair {
    pub ids: [i64; 2],
    pub metric: Option<Metric>,
}

/// Outcome of the comparison of two annotations.
#[derive(Clone, Copy, Debug)]
pub enum Compared {
    Score(Score),
    /// The annotations belong to different tasks.
    Apart,
}

/// Annotations to compare pairwise, with the metrics asked for.
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

/// Computes the agreement of the uncancelled annotations of several tasks, among the annotations that the actor sees.
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
        .add(is_any(
            app.db.backend(),
            Column::TaskId,
            tasks.keys().copied(),
        ))
        .add(Expr::col((annotation::Entity, Column::WasCancelled)).not());
    for member in members(app, actor, uncancelled).await? {
        if let Some(comparison) = tasks.get_mut(&member.task_id) {
            comparison.members.push(member);
        }
    }
    compare(app, actor, tasks.into_values()).await
}

/// Computes the agreement of pairs of annotations, cancelled or not. Leaves out pairs of which the actor does not see
/// both annotations.
pub async fn of_pairs(
    app: &App,
    actor: &Actor,
    asked: &[OfPair],
) -> Result<HashMap<OfPair, Compared>> {
    let ids: HashSet<i64> = asked.iter().flat_map(|of| of.ids).collect();
    let members = members(
        app,
        actor,
        Condition::all().add(is_any(app.db.backend(), Column::Id, ids)),
    )
    .await?;
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
        // Drops the authors: an explicitly requested pair is compared even when both annotations are by the same
        // author.
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

/// Computes the mean agreement over all pairs of annotations by different authors: two annotations by the same author
/// are no independent results. Annotations without an author count as written by different people. Leaves out pairs
/// without values that the metric compares.
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

    /// Computes the score of each question from the results' texts.
    fn answer(
        self,
        texts: &HashMap<i64, String>,
        configs: &HashMap<i64, Arc<Config>>,
        steps: &mut u64,
    ) -> Vec<(K, Score)> {
        let members = self.members.iter();
        // Leaves out annotations that were deleted or became invisible between the two reads.
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
                // Charges the steps used alone: unused steps stay available to later comparisons of the request.
                *steps -= allowed - budget.remaining();
                (key, score)
            })
            .collect()
    }
}

/// Reads the metadata of annotations before the results, oldest first: the byte counts decide which results are read
/// at all.
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
        // `octet_length` counts bytes on both databases; `length` counts characters. SQLite:
        // https://www.sqlite.org/lang_corefunc.html#octet_length
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

/// Reads results and compares them in batches, each within the byte limit of a single comparison.
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
        // Too large a comparison exceeds the budget without a read. A skipped comparison does not count towards the
        // shared limit.
        if more > MAX_BYTES
            || bytes_together + more > TOGETHER * MAX_BYTES
            || comparison.members.len() > MAX_READ
        {
            scores.extend(score(Err(BudgetExceeded)));
            continue;
        }
        bytes_together += more;
        (bytes, count) = (bytes + more, count + comparison.members.len());
        // Starts a batch that begins with this comparison, whose results the last batch has no room for.
        if batches.is_empty() || bytes > MAX_BYTES || count > MAX_READ {
            (bytes, count) = (more, comparison.members.len());
            batches.push(Vec::new());
        }
        batches
            .last_mut()
            .expect("there is one by now")
            .push(comparison);
    }
    // Shared by all batches: the request as a whole is bounded, however its comparisons are distributed.
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
        // Charges at least a small operation: a few bytes can require many steps.
        compute::charge(compute::SMALL).await;
        let texts = annotations::results(app, actor, &ids).await?;
        for comparison in batch {
            scores.extend(comparison.answer(&texts, &configs, &mut steps));
        }
    }
    Ok(scores)
}
