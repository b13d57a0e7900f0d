//! Pairing of the areas of two annotations by intersection over union.

use std::cmp::Ordering;

use super::{
    Drawn, Tally, area,
    budget::{BudgetExceeded, WorkBudget},
    outline::{Bounds, Outline},
    pairing,
};

/// Steps charged per pair to compare.
const PAIR: usize = 16;

/// Sums up the intersections over union of the best pairing.
pub fn tally(a: &Drawn, b: &Drawn, budget: &mut WorkBudget) -> Result<Tally, BudgetExceeded> {
    let total = a.outlines.len() + b.outlines.len();
    budget.charge(total)?;
    let (equal, a, b) = set_equal_aside(&a.outlines, &b.outlines);
    let mut pairs = Vec::new();
    for (left, right) in overlapping(&a, &b, budget)? {
        let iou = iou(a[left], b[right], budget)?;
        if iou > 0.0 {
            pairs.push((left, right, iou));
        }
    }
    let shared = equal as f64 + pairing::largest_sum(&pairs, budget)?;
    Ok(Tally { shared, total })
}

/// Pairs equal outlines of two sorted lists. Returns the number of pairs, and the unpaired outlines of each list.
///
/// Misses no better pairing: one minus the intersection over union is a metric (the Jaccard distance), so by the
/// triangle inequality an equal outline is the best partner.
fn set_equal_aside<'a>(
    a: &'a [Outline],
    b: &'a [Outline],
) -> (usize, Vec<&'a Outline>, Vec<&'a Outline>) {
    let (mut equal, mut left, mut right) = (0, Vec::new(), Vec::new());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(ours), Some(theirs)) = (a.peek(), b.peek()) {
        match ours.cmp(theirs) {
            Ordering::Less => left.extend(a.next()),
            Ordering::Greater => right.extend(b.next()),
            Ordering::Equal => {
                equal += 1;
                a.next();
                b.next();
            }
        }
    }
    left.extend(a);
    right.extend(b);
    (equal, left, right)
}

/// Finds the pairs whose bounds overlap, by a sweep from left to right.
fn overlapping(
    a: &[&Outline],
    b: &[&Outline],
    budget: &mut WorkBudget,
) -> Result<Vec<(usize, usize)>, BudgetExceeded> {
    let side = |outlines: &[&Outline], is_left| {
        let bounds = outlines.iter().enumerate();
        let bounds = bounds.filter_map(|(index, outline)| Some((outline.bounds?, index)));
        bounds
            .map(|(bounds, index)| (bounds, index, is_left))
            .collect::<Vec<_>>()
    };
    let mut all = [side(a, true), side(b, false)].concat();
    all.sort_unstable_by(|(a, ..), (b, ..)| a.min[0].total_cmp(&b.min[0]));
    // Outlines of each side that reach to the current left edge.
    let mut here: [Vec<(Bounds, usize)>; 2] = Default::default();
    let mut pairs = Vec::new();
    for (bounds, index, is_left) in all {
        let others = &mut here[usize::from(!is_left)];
        // Charged before the loop: a thousand boxes on top of a thousand are a million pairs.
        budget.charge(1 + others.len())?;
        others.retain(|(other, _)| other.max[0] > bounds.min[0]);
        for (other, other_index) in others.iter() {
            if bounds.common(other) > 0.0 {
                budget.charge(PAIR)?;
                pairs.push(match is_left {
                    true => (index, *other_index),
                    false => (*other_index, index),
                });
            }
        }
        here[usize::from(is_left)].push((bounds, index));
    }
    Ok(pairs)
}

fn iou(a: &Outline, b: &Outline, budget: &mut WorkBudget) -> Result<f64, BudgetExceeded> {
    // Without bounds an outline is too far out to measure; equal outlines were paired before.
    let (Some(of_a), Some(of_b)) = (&a.bounds, &b.bounds) else {
        return Ok(0.0);
    };
    // Fast path: boxes are most areas, and need no strips.
    if a.is_box && b.is_box {
        let common = of_a.common(of_b);
        return Ok((common / (of_a.area() + of_b.area() - common)).min(1.0));
    }
    area::iou(a, b, budget)
}
