//! Agreement of two annotations of one task, by a choice of metrics.
//!
//! Regions are compared within groups: made by the same control, about the same object, with the same labels. For `n`
//! and `m` areas or spans in the two annotations, the score is `2 * sum / (n + m)`, where `sum` adds up the similarity
//! of the pairs in the best pairing. With similarities of 0 and 1 the score is F1 (van Rijsbergen, Information
//! Retrieval, 1979); for two single boxes it is their intersection over union. `docs/agreement.md` has every formula
//! and its source.

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

/// Steps of any comparison, empty ones included.
const BASE_STEPS: usize = 64;

/// A way to compare two annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Rectangles, ellipses and polygons: intersection over union of each pair (Jaccard 1912; PASCAL VOC).
    Iou,
    /// Spans: F1 of equal spans (CoNLL-2003), for times of spans that overlap by half (as PASCAL VOC's boxes).
    SpanF1,
    /// Choices and other answers: the share of questions with equal answers.
    ExactMatch,
    /// Choices and other answers: agreement beyond chance (Cohen 1960). From -1 to 1.
    CohensKappa,
}

/// A result, parsed for comparison.
#[derive(Debug, Default)]
pub struct ComparableResult {
    groups: BTreeMap<ComparisonGroup, Drawn>,
    answers: Answers,
    /// Ids of drawn and marked regions: possible subjects of answers.
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
/// `None` when neither result has regions for the metric. Symmetric, but for rounding.
pub fn compare(
    a: &ComparableResult,
    b: &ComparableResult,
    metric: Option<Metric>,
    budget: &mut WorkBudget,
) -> Result<Option<f64>, BudgetExceeded> {
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
    for (group, drawn) in &b.groups {
        if !a.groups.contains_key(group) {
            compare(group, &nothing, drawn)?;
        }
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests;
