//! Answers: choices, ratings, numbers, dates and rankings, about the task or about a region.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    ComparableResult, Control,
    budget::{BudgetExceeded, WorkBudget},
};
use crate::region::Shape;

/// Answer: a set of paths of choices, of a single part each unless choices are nested. Numbers, dates and ratings are a
/// set with a single text.
type Answer = BTreeSet<Vec<String>>;

/// Key of an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    control: Control,
    item_index: Option<i32>,
    /// Id of the entry: the id of the subject region, or an id of the answer alone.
    id: Option<String>,
}

/// Answers of an annotation.
#[derive(Debug, Default)]
pub struct Answers(BTreeMap<Question, Answer>);

impl Answers {
    /// Adds an answer. Several answers to a question form a single set.
    pub fn add(
        &mut self,
        control: Control,
        item_index: Option<i32>,
        id: Option<String>,
        answer: Answer,
    ) {
        let question = Question {
            control,
            item_index,
            id,
        };
        self.0.entry(question).or_default().extend(answer);
    }
}

/// Reads the answer of a region. Returns `None` for free text, too: two people hardly ever write equal texts.
pub fn read(shape: &Shape) -> Option<Answer> {
    let text = |text: String| Answer::from([vec![text]]);
    Some(match shape {
        Shape::Choices(choices) => choices.paths.iter().cloned().collect(),
        Shape::Taxonomy(paths) => paths.iter().cloned().collect(),
        // Adding 0.0 turns minus zero into zero, whose text differs.
        Shape::Number(number) => text((number + 0.0).to_string()),
        Shape::Rating(rating) => text(rating.to_string()),
        Shape::DateTime(at) => text(at.clone()),
        Shape::Pairwise(side) => text(side.clone()),
        Shape::Ranker(buckets) => buckets
            .iter()
            .map(|bucket| {
                let mut path = vec![bucket.name.clone()];
                path.extend(bucket.item_ids.iter().cloned());
                path
            })
            .collect(),
        _ => return None,
    })
}

/// Answers of two annotations to a question that both could answer.
struct Both<'a> {
    control: &'a Control,
    a: Option<Answer>,
    b: Option<Answer>,
}

/// Collects the questions that either annotation answers. An empty answer counts as missing.
///
/// Ignores the id of an answer about the task, which the editor makes up. A question about a region counts when both
/// annotations have a region with the id; agreement of the regions themselves is up to the metrics of areas and spans.
fn both<'a>(
    a: &'a ComparableResult,
    b: &'a ComparableResult,
    budget: &mut WorkBudget,
) -> Result<Vec<Both<'a>>, BudgetExceeded> {
    budget.charge(a.answers.0.len() + b.answers.0.len())?;
    type Key<'a> = (&'a Control, Option<i32>, Option<&'a str>);
    let mut answers: BTreeMap<Key<'a>, [Answer; 2]> = BTreeMap::new();
    for (side, own, other) in [(0, a, b), (1, b, a)] {
        for (question, answer) in &own.answers.0 {
            // An id without a region is random, so that equal questions about the task would never meet.
            let region = question.id.as_ref().filter(|id| own.regions.contains(*id));
            if region.is_some_and(|id| !other.regions.contains(id)) {
                continue;
            }
            let key = (
                &question.control,
                question.item_index,
                region.map(String::as_str),
            );
            answers.entry(key).or_default()[side].extend(answer.iter().cloned());
        }
    }
    let given = |answer: Answer| (!answer.is_empty()).then_some(answer);
    let both = answers.into_iter().map(|((control, ..), [a, b])| Both {
        control,
        a: given(a),
        b: given(b),
    });
    Ok(both
        .filter(|both| both.a.is_some() || both.b.is_some())
        .collect())
}

/// Compares the answers to each question. Returns the verdicts by control.
pub fn same_by_control<'a>(
    a: &'a ComparableResult,
    b: &'a ComparableResult,
    budget: &mut WorkBudget,
) -> Result<BTreeMap<&'a Control, Vec<bool>>, BudgetExceeded> {
    let mut same: BTreeMap<_, Vec<bool>> = BTreeMap::new();
    for both in both(a, b, budget)? {
        let answers = same.entry(both.control).or_default();
        answers.push(both.a == both.b);
    }
    Ok(same)
}

/// Cohen's kappa over the questions that both answer (<https://doi.org/10.1177/001316446002000104>):
/// `(po - pe) / (1 - pe)`, where `po` is the share of equal answers and `pe` the share expected by chance, from the
/// frequency of each answer on each side. A whole answer is a category, whichever the control.
///
/// When both give the same answer throughout, kappa is `0 / 0`; returns 1.
pub fn kappa(
    a: &ComparableResult,
    b: &ComparableResult,
    budget: &mut WorkBudget,
) -> Result<Option<f64>, BudgetExceeded> {
    let both = both(a, b, budget)?;
    let pairs = both
        .iter()
        .filter_map(|both| both.a.as_ref().zip(both.b.as_ref()));
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let mut given: HashMap<&Answer, [f64; 2]> = HashMap::new();
    for (a, b) in &pairs {
        given.entry(a).or_default()[0] += 1.0;
        given.entry(b).or_default()[1] += 1.0;
    }
    let count = pairs.len() as f64;
    // Multiplied by count²: sums of whole numbers are exact in any order of the hash map.
    let by_chance: f64 = given.values().map(|[a, b]| a * b).sum();
    let equal = pairs.iter().filter(|(a, b)| a == b).count() as f64;
    let (observed, expected) = (equal * count, by_chance);
    let possible = count * count;
    Ok(Some(match expected < possible {
        true => (observed - expected) / (possible - expected),
        false => 1.0,
    }))
}
