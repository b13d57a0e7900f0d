//! Pairing of spans: spans of texts by equality, spans of time by overlap.

use super::{
    Drawn, Tally,
    budget::{BudgetExceeded, WorkBudget},
    pairing,
};
use crate::region::{Instant, Shape};

/// Least intersection over union of two spans of time that pair: the threshold of PASCAL VOC
/// (<https://doi.org/10.1007/s11263-009-0275-4>).
const ENOUGH: f64 = 0.5;

/// Steps charged per pair to assign.
const PAIR: usize = 16;

/// Spans of the regions of a group.
#[derive(Debug, Default)]
pub struct Marks {
    texts: Vec<Text>,
    times: Vec<Time>,
}

/// Start and end of a span as stored.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Text {
    Plain([i32; 2]),
    /// Node or utterance at each end, and the character offset within.
    Within([String; 2], [Option<i32>; 2]),
    /// Times written as text.
    Words([String; 2]),
}

/// Start and end in seconds, values of a time column, or frames; the start is at most the end.
#[derive(Clone, Copy, Debug)]
struct Time([f64; 2]);

impl Time {
    fn new(start: f64, end: f64) -> Self {
        Self([start.min(end), start.max(end)])
    }

    /// True for an intersection over union of at least `ENOUGH`, and for equal spans, even without a length.
    fn is_like(&self, other: &Self) -> bool {
        if self.0 == other.0 {
            return true;
        }
        let ([start, end], [other_start, other_end]) = (self.0, other.0);
        let common = end.min(other_end) - start.max(other_start);
        let covered = end.max(other_end) - start.min(other_start);
        common >= ENOUGH * covered && covered.is_finite()
    }
}

impl Marks {
    /// Reads the spans of a shape; empty for shapes without a span.
    pub fn read(shape: &Shape) -> Self {
        let mut marks = Self::default();
        match shape {
            Shape::TextSpan(span) => marks.texts.push(Text::Plain([span.start, span.end])),
            Shape::HyperTextSpan(span) => marks.texts.push(Text::Within(
                [span.start.clone(), span.end.clone()],
                [span.start_offset, span.end_offset],
            )),
            Shape::Audio(audio) => marks.times.push(Time::new(audio.start, audio.end)),
            Shape::TimeSeries(span) => match (&span.start, &span.end) {
                (Instant::Number(start), Instant::Number(end)) => {
                    marks.times.push(Time::new(*start, *end));
                }
                (start, end) => marks.texts.push(Text::Words([word(start), word(end)])),
            },
            // Frame ranges include the last frame: a single frame has the length 1.
            Shape::Timeline(timeline) => marks.times.extend(timeline.ranges.iter().map(|range| {
                let (first, last) = (range.start.min(range.end), range.start.max(range.end));
                Time::new(f64::from(first), f64::from(last) + 1.0)
            })),
            _ => {}
        }
        marks
    }

    /// Says whether there are neither text spans nor time spans.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.times.is_empty()
    }

    /// Appends the marks of a further region.
    pub fn extend(&mut self, more: Self) {
        self.texts.extend(more.texts);
        self.times.extend(more.times);
    }

    /// Sorts texts and times by their starts, which the comparison requires.
    pub fn sort(&mut self) {
        self.texts.sort_unstable();
        let start = |time: &Time| time.0[0];
        self.times
            .sort_unstable_by(|a, b| start(a).total_cmp(&start(b)));
    }

    fn len(&self) -> usize {
        self.texts.len() + self.times.len()
    }
}

fn word(instant: &Instant) -> String {
    match instant {
        Instant::Number(number) => number.to_string(),
        Instant::Text(text) => text.clone(),
    }
}

/// Counts the pairs of spans, at most a pair per span.
pub fn tally(a: &Drawn, b: &Drawn, budget: &mut WorkBudget) -> Result<Tally, BudgetExceeded> {
    let (a, b) = (&a.marks, &b.marks);
    let total = a.len() + b.len();
    budget.charge(total)?;
    let shared = equal(&a.texts, &b.texts) as f64 + alike(&a.times, &b.times, budget)?;
    Ok(Tally { shared, total })
}

/// Counts the common items of two sorted lists; repeated items count as often as both lists have them.
fn equal(a: &[Text], b: &[Text]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut equal = 0;
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let order = left.cmp(right);
        equal += usize::from(order.is_eq());
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
    }
    equal
}

/// Counts the pairs of overlapping times in the largest pairing. Both lists are sorted by start.
fn alike(a: &[Time], b: &[Time], budget: &mut WorkBudget) -> Result<f64, BudgetExceeded> {
    let mut pairs = Vec::new();
    let mut here: Vec<(usize, &Time)> = Vec::new();
    let mut coming = b.iter().enumerate().peekable();
    for (left, time) in a.iter().enumerate() {
        // Sweep by start: `here` gets the times that start before this time ends, and loses the times that end before
        // all later starts.
        while let Some(other) = coming.next_if(|(_, other)| other.0[0] <= time.0[1]) {
            here.push(other);
        }
        budget.charge(1 + here.len())?;
        here.retain(|(_, other)| other.0[1] >= time.0[0]);
        let alike = here.iter().filter(|(_, other)| time.is_like(other));
        let before = pairs.len();
        pairs.extend(alike.map(|(right, _)| (left, *right, 1.0)));
        budget.charge(PAIR * (pairs.len() - before))?;
    }
    // Not greedy: a time can overlap two times by half, and the wrong choice costs a pair.
    pairing::largest_sum(&pairs, budget)
}
