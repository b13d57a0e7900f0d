//! How far two annotations of one task agree: a number for each way of comparing them.
//!
//! What is compared stands in a place: made by the same control, about the same object, with the same
//! labels. For areas and spans, with `n` and `m` of them in the two annotations and the best pairing of the one
//! with the other, the score is `2 * sum / (n + m)`: the sum is that of the pairs' likeness, and what finds no
//! partner adds nothing. Where a pair is alike or not, that is F1 (van Rijsbergen, Information Retrieval, 1979);
//! for two single boxes it is their intersection over union. `docs/agreement.md` has every formula and its source.

mod answer;
mod area;
mod area_pairs;
mod outline;
mod pairing;
mod span;
mod work;

use std::collections::{BTreeMap, HashSet};

use self::{answer::Answers, outline::Outline, span::Marks};
use super::{
    config::Config,
    region::{Region, Regions, Shape},
};

pub use self::work::{TooMuch, Work};

/// Steps that comparing even nothing takes.
const BETWEEN: usize = 64;

/// A way to compare two annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Rectangles, ellipses and polygons: intersection over union of each pair (Jaccard 1912; PASCAL VOC).
    Iou,
    /// Spans: F1 of equal ones (CoNLL-2003), for times of those that overlap by half (as PASCAL VOC's boxes).
    SpanF1,
    /// Choices and other single answers: the share of the questions that are answered in the same way.
    ExactMatch,
    /// The same answers: agreement beyond chance (Cohen 1960). From -1 to 1.
    CohensKappa,
}

/// An annotation, read for being compared.
#[derive(Debug, Default)]
pub struct Opinion {
    places: BTreeMap<Place, Drawn>,
    answers: Answers,
    /// Ids of the regions that are drawn or marked: what answers can be about.
    regions: HashSet<String>,
}

/// What can be the same thing in two annotations stands in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    control: Control,
    /// Sorted, each once.
    labels: Vec<String>,
    /// Item of a list, page of a document, channel of a recording.
    layer: [Option<i32>; 3],
}

/// `from_name` and `to_name` of regions; each item of a `Repeater` counts as a control of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Control(String, String);

#[derive(Debug, Default)]
struct Drawn {
    outlines: Vec<Outline>,
    marks: Marks,
}

/// A sum of likenesses, and how many things there are on both sides together.
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

impl Opinion {
    /// Reads a stored result of a project with this config. What can't be compared in any way is left out.
    pub fn read(result: &str, config: &Config) -> Self {
        let mut opinion = Self::default();
        for region in Regions::read(result, config).all {
            opinion.add(region);
        }
        for drawn in opinion.places.values_mut() {
            drawn.outlines.sort_unstable();
            drawn.marks.sort();
        }
        opinion
    }

    fn add(&mut self, region: Region) {
        let answer = answer::read(&region.shape);
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
        let place = Place {
            control,
            labels,
            layer: [region.item_index, page, channel],
        };
        let drawn = self.places.entry(place).or_default();
        drawn.outlines.extend(outline);
        drawn.marks.extend(marks);
    }
}

/// Whether it is a part of what is annotated, which answers can be about.
fn is_drawn(shape: &Shape) -> bool {
    !matches!(
        shape,
        Shape::TextArea(_) | Shape::ChatMessage(_) | Shape::Relation(_) | Shape::Other(_)
    )
}

/// How far two annotations agree, in one way, or without a metric in the way that fits each control: IOU for
/// areas, SPAN_F1 for spans, EXACT_MATCH for answers, and the mean over the controls that either one used.
///
/// `None` when there is nothing in them that the metric speaks of. Symmetric, but for rounding.
pub fn between(
    a: &Opinion,
    b: &Opinion,
    metric: Option<Metric>,
    work: &mut Work,
) -> Result<Option<f64>, TooMuch> {
    work.take(BETWEEN)?;
    match metric {
        Some(Metric::Iou) => Ok(whole(&by_control(a, b, area_pairs::tally, work)?)),
        Some(Metric::SpanF1) => Ok(whole(&by_control(a, b, span::tally, work)?)),
        Some(Metric::ExactMatch) => {
            let same = answer::same_by_control(a, b, work)?;
            let same = same.into_values().flatten();
            Ok(mean(same.map(|same| f64::from(u8::from(same)))))
        }
        Some(Metric::CohensKappa) => answer::kappa(a, b, work),
        None => {
            let areas = by_control(a, b, area_pairs::tally, work)?;
            let spans = by_control(a, b, span::tally, work)?;
            let drawn = areas.into_values().chain(spans.into_values());
            let answers = answer::same_by_control(a, b, work)?;
            let answers = answers.into_values().map(|same| {
                let same = same.into_iter();
                mean(same.map(|same| f64::from(u8::from(same))))
            });
            Ok(mean(drawn.map(Tally::score).chain(answers).flatten()))
        }
    }
}

/// The mean of scores; `None` of none.
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

/// Compares place by place, and adds up what each control has.
fn by_control<'a>(
    a: &'a Opinion,
    b: &'a Opinion,
    tally: fn(&Drawn, &Drawn, &mut Work) -> Result<Tally, TooMuch>,
    work: &mut Work,
) -> Result<BTreeMap<&'a Control, Tally>, TooMuch> {
    let nothing = Drawn::default();
    let mut tallies: BTreeMap<&Control, Tally> = BTreeMap::new();
    let mut compare = |place: &'a Place, a: &Drawn, b: &Drawn| {
        let tally = tally(a, b, work)?;
        tallies.entry(&place.control).or_default().add(tally);
        Ok(())
    };
    for (place, drawn) in &a.places {
        compare(place, drawn, b.places.get(place).unwrap_or(&nothing))?;
    }
    for (place, drawn) in &b.places {
        if !a.places.contains_key(place) {
            compare(place, &nothing, drawn)?;
        }
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests;
