//! Agreement of two annotations of a task, by a choice of metrics.
//!
//! Regions are compared within groups: made by the same control, about the same object, with the same labels. For `n`
//! and `m` areas or spans in the two annotations, the score is `2 * sum / (n + m)`, where `sum` adds up the similarity
//! of the pairs in the best pairing. With similarities of 0 and 1 the score is F1 (van Rijsbergen, Information
//! Retrieval, 1979); for a single box on each side the score is the intersection over union. `docs/agreement.md` has
//! every formula and source.

mod area;
mod area_pairs;
mod budget;
mod classification;
mod outline;
mod pairing;
mod span;

use std::collections::{BTreeMap, HashSet};

use self::{classification::Answers, outline::Outline, span::Marks};
use super::{
    config::Config,
    region::{Region, Regions, Shape},
};

pub use self::budget::{BudgetExceeded, WorkBudget};

/// Steps charged per comparison, also of empty results.
const BASE_STEPS: usize = 64;

/// Metric of agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Rectangles, ellipses and polygons: intersection over union of each pair (Jaccard 1912; PASCAL VOC,
    /// <https://doi.org/10.1007/s11263-009-0275-4>).
    Iou,
    /// Spans: F1 of equal spans (CoNLL-2003, <https://aclanthology.org/W03-0419/>), for times of spans that overlap by
    /// half (as PASCAL VOC's boxes).
    SpanF1,
    /// Choices and further answers: the share of questions with equal answers.
    ExactMatch,
    /// Choices and further answers: agreement beyond chance, from -1 to 1 (Cohen 1960,
    /// <https://doi.org/10.1177/001316446002000104>).
    CohensKappa,
}

/// A result, parsed for comparison.
#[derive(Debug, Default)]
pub struct ComparableResult {
    groups: BTreeMap<ComparisonGroup, Drawn>,
    answers: Answers,
    /// Ids of drawn and marked regions: subjects of answers about a region.
    regions: HashSet<String>,
}

/// Key of a group of regions to compare: control, object, labels and layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct ComparisonGroup {
    control: Control,
    /// Sorted, each once.
    labels: Vec<String>,
    /// Item of a list, page of a document, channel of a recording.
    layer: [Option<i32>; 3],
}

/// `from_name` and `to_name` of regions; each item of a `Repeater` counts as a separate control.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Control(String, String);

#[derive(Debug, Default)]
struct Drawn {
    outlines: Vec<Outline>,
    marks: Marks,
}

/// Sum of similarities, and number of regions on both sides together.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    shared: f64,
    total: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.shared += other.shared;
        self.total += other.total;
    }

    fn score(self) -> Option<f64> {
        // Bounded by 1: rounding can lift the sum of ratios above the number of pairs.
        (self.total > 0).then(|| (2.0 * self.shared / self.total as f64).min(1.0))
    }
}

impl ComparableResult {
    /// Reads a stored result of a project with this config. Skips regions that no metric compares.
    pub fn read(result: &str, config: &Config) -> Self {
        let mut comparable = Self::default();
        for region in Regions::read(result, config).all {
            comparable.add(region);
        }
        // Sorted once here: a result is compared with every other result of the task, and the comparisons merge sorted
        // lists.
        for drawn in comparable.groups.values_mut() {
            drawn.outlines.sort_unstable();
            drawn.marks.sort();
        }
        comparable
    }

    fn add(&mut self, region: Region) {
        let answer = classification::read(&region.shape);
        let control = Control(region.from_name, region.to_name);
        if let Some(answer) = answer {
            self.answers
                .add(control, region.item_index, region.id, answer);
            return;
        }
        if !is_drawn(&region.shape) {
            return;
        }
        self.regions.extend(region.id);
        let outline = Outline::read(&region.shape, region.image);
        let marks = Marks::read(&region.shape);
        // No metric compares masks, key points, vectors and moving shapes; answers about such a region still count.
        if outline.is_none() && marks.is_empty() {
            return;
        }
        let mut labels = region.labels;
        labels.sort_unstable();
        labels.dedup();
        let (page, channel) = match &region.shape {
            Shape::Rectangle(rectangle) => (rectangle.page_index, None),
            Shape::Audio(audio) => (None, audio.channel),
            _ => (None, None),
        };
        // Regions with different labels never pair: a box on the same place with another label is a disagreement.
        let group = ComparisonGroup {
            control,
            labels,
            layer: [region.item_index, page, channel],
        };
        let drawn = self.groups.entry(group).or_default();
        drawn.outlines.extend(outline);
        drawn.marks.extend(marks);
    }
}

/// True for a region that marks a part of the task, and can be the subject of answers.
fn is_drawn(shape: &Shape) -> bool {
    !matches!(
        shape,
        Shape::TextArea(_) | Shape::ChatMessage(_) | Shape::Relation(_) | Shape::Other(_)
    )
}

/// Compares two results by a metric. Without a metric: IOU for areas, SPAN_F1 for spans, EXACT_MATCH for answers, and
/// the mean over the controls that either result uses.
///
/// Returns `None` when neither result has regions for the metric. Symmetric, but for rounding.
pub fn compare(
    a: &ComparableResult,
    b: &ComparableResult,
    metric: Option<Metric>,
    budget: &mut WorkBudget,
) -> Result<Option<f64>, BudgetExceeded> {
    // Charged first, so that empty results are not free: a request can compare many pairs.
    budget.charge(BASE_STEPS)?;
    match metric {
        Some(Metric::Iou) => Ok(whole(&by_control(a, b, area_pairs::tally, budget)?)),
        Some(Metric::SpanF1) => Ok(whole(&by_control(a, b, span::tally, budget)?)),
        Some(Metric::ExactMatch) => {
            let same = classification::same_by_control(a, b, budget)?;
            let same = same.into_values().flatten();
            Ok(mean(same.map(|same| f64::from(u8::from(same)))))
        }
        Some(Metric::CohensKappa) => classification::kappa(a, b, budget),
        None => {
            let areas = by_control(a, b, area_pairs::tally, budget)?;
            let spans = by_control(a, b, span::tally, budget)?;
            let drawn = areas.into_values().chain(spans.into_values());
            let answers = classification::same_by_control(a, b, budget)?;
            let answers = answers.into_values().map(|same| {
                let same = same.into_iter();
                mean(same.map(|same| f64::from(u8::from(same))))
            });
            Ok(mean(drawn.map(Tally::score).chain(answers).flatten()))
        }
    }
}

/// Mean of scores; `None` without scores.
pub fn mean(scores: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = scores.fold((0.0, 0), |(sum, count), score| (sum + score, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn whole(tallies: &BTreeMap<&Control, Tally>) -> Option<f64> {
    let mut whole = Tally::default();
    for tally in tallies.values() {
        whole.add(*tally);
    }
    whole.score()
}

/// Compares group by group, and sums up per control.
fn by_control<'a>(
    a: &'a ComparableResult,
    b: &'a ComparableResult,
    tally: fn(&Drawn, &Drawn, &mut WorkBudget) -> Result<Tally, BudgetExceeded>,
    budget: &mut WorkBudget,
) -> Result<BTreeMap<&'a Control, Tally>, BudgetExceeded> {
    let nothing = Drawn::default();
    let mut tallies: BTreeMap<&Control, Tally> = BTreeMap::new();
    let mut compare = |group: &'a ComparisonGroup, a: &Drawn, b: &Drawn| {
        let tally = tally(a, b, budget)?;
        tallies.entry(&group.control).or_default().add(tally);
        Ok(())
    };
    for (group, drawn) in &a.groups {
        compare(group, drawn, b.groups.get(group).unwrap_or(&nothing))?;
    }
    // Groups of `b` alone lower the score, as groups of `a` alone do.
    for (group, drawn) in &b.groups {
        if !a.groups.contains_key(group) {
            compare(group, &nothing, drawn)?;
        }
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests;
