//! Answers: what was chosen, rated or measured, about the task or about one of its regions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    ComparableResult, Control,
    budget::{BudgetExceeded, WorkBudget},
};
use crate::region::Shape;

/// What an answer says: a set of paths, each of one part unless choices are nested. Other answers are a set of
/// one text.
type Answer = BTreeSet<Vec<String>>;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    control: Control,
    item_index: Option<i32>,
    /// The entry's id: that of the region that it is about, or one of its own.
    id: Option<String>,
}

/// Everything that one annotation answers.
#[derive(Debug, Default)]
pub struct Answers(BTreeMap<Question, Answer>);

impl Answers {
    /// Several answers to one question are one answer.
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

/// `None` of what is no answer. Free text is none: what two people write is hardly ever the same.
pub fn read(shape: &Shape) -> Option<Answer> {
    let text = |text: String| Answer::from([vec![text]]);
    Some(match shape {
        Shape::Choices(choices) => choices.paths.iter().cloned().collect(),
        Shape::Taxonomy(paths) => paths.iter().cloned().collect(),
        // There is no minus zero.
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

/// The answers of two annotations to a question that both could answer.
struct Both<'a> {
    control: &'a Control,
    a: Option<Answer>,
    b: Option<Answer>,
}

/// The questions that either one answers. An empty answer is none.
///
/// An id that is not that of a region is the answer's own, and says nothing. Questions about a region count when
/// both annotations have it, by its id; whether the regions agree, other metrics say.
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

/// Whether each question is answered in the same way, by control.
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

/// Cohen's kappa over the questions that both answer: `(po - pe) / (1 - pe)`, where `po` is the share of equal
/// answers and `pe` that which chance would make equal, given how often each one gives each answer. A whole
/// answer is one category, whichever the control.
///
/// When both always give one and the same answer, chance explains everything: `0 / 0`, here 1.
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
    // Counts, not shares: sums of those are exact in any order.
    let by_chance: f64 = given.values().map(|[a, b]| a * b).sum();
    let equal = pairs.iter().filter(|(a, b)| a == b).count() as f64;
    let (observed, expected) = (equal * count, by_chance);
    let possible = count * count;
    Ok(Some(match expected < possible {
        true => (observed - expected) / (possible - expected),
        false => 1.0,
    }))
}
