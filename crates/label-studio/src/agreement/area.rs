//! Intersection over union of two polygons, self-intersecting polygons included.
//!
//! Cuts the plane into vertical strips at each corner and at each crossing of two edges. Within a strip edges keep
//! their vertical order, so the region between two neighbours is a trapezoid, whose area is the width times the height
//! at the middle of the strip. Edges on top of each other need no special case: the height between is 0.

use super::{
    budget::{BudgetExceeded, WorkBudget},
    outline::Outline,
};

/// Steps charged per edge of a strip, for sorting.
const PLACED: usize = 8;
/// Steps charged per crossing.
const CROSSING: usize = 16;

/// Edge of an outline, from left to right. Vertical edges are left out.
#[derive(Clone, Copy)]
struct Edge {
    from: [f64; 2],
    to: [f64; 2],
    /// 1 when the outline runs from left to right along the edge, else -1.
    direction: i32,
    is_first: bool,
}

impl Edge {
    fn y(&self, x: f64) -> f64 {
        let share = (x - self.from[0]) / (self.to[0] - self.from[0]);
        self.from[1] + (self.to[1] - self.from[1]) * share
    }

    /// Finds the crossing of two edges between the ends. Returns `x`.
    fn crossing(&self, other: &Self) -> Option<f64> {
        let (left, right) = (self.from[0].max(other.from[0]), self.to[0].min(other.to[0]));
        let at_left = self.y(left) - other.y(left);
        let at_right = self.y(right) - other.y(right);
        if (at_left < 0.0) == (at_right < 0.0) || at_left == 0.0 || at_right == 0.0 {
            return None;
        }
        // The difference of two edges is linear in x: interpolates to the zero.
        let x = left + (right - left) * (at_left / (at_left - at_right));
        // Rounding can put a crossing on an end, which is a cut already.
        (left < x && x < right).then_some(x)
    }
}

/// Intersection over union of two outlines with bounds; 0 when neither has an area.
pub fn iou(a: &Outline, b: &Outline, budget: &mut WorkBudget) -> Result<f64, BudgetExceeded> {
    let mut edges: Vec<Edge> = edges(a, true).chain(edges(b, false)).collect();
    edges.sort_unstable_by(|a, b| a.from[0].total_cmp(&b.from[0]));
    budget.charge(PLACED * edges.len())?;
    let cuts = cuts(&edges, budget)?;

    let (mut common, mut covered) = (0.0, 0.0);
    let mut coming = edges.iter().peekable();
    // Edges across the current strip.
    let mut here: Vec<&Edge> = Vec::new();
    let mut middle: Vec<(f64, &Edge)> = Vec::new();
    for strip in cuts.windows(2) {
        let (left, right) = (strip[0], strip[1]);
        here.retain(|edge| edge.to[0] > left);
        while let Some(edge) = coming.next_if(|edge| edge.from[0] <= left) {
            here.push(edge);
        }
        budget.charge(1 + PLACED * here.len())?;
        let x = left + (right - left) / 2.0;
        middle.clear();
        middle.extend(here.iter().map(|edge| (edge.y(x), *edge)));
        middle.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        // Winding numbers below the current edge, for each outline: nonzero is inside, as the editor fills a polygon
        // (https://www.w3.org/TR/SVG2/painting.html#WindingRule).
        let mut windings = [0, 0];
        for pair in middle.windows(2) {
            let (y, edge) = pair[0];
            windings[usize::from(edge.is_first)] += edge.direction;
            let area = (pair[1].0 - y) * (right - left);
            let inside = windings.map(|winding| winding != 0);
            if inside[0] && inside[1] {
                common += area;
            }
            if inside[0] || inside[1] {
                covered += area;
            }
        }
    }
    Ok(if covered > 0.0 { common / covered } else { 0.0 })
}

fn edges(outline: &Outline, is_first: bool) -> impl Iterator<Item = Edge> {
    let points = &outline.points;
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).filter_map(move |(a, b)| {
        let (from, to, direction) = if a[0] < b[0] { (a, b, 1) } else { (b, a, -1) };
        // Vertical edges bound no trapezoid.
        (from[0] < to[0]).then_some(Edge {
            from: *from,
            to: *to,
            direction,
            is_first,
        })
    })
}

/// Finds the borders of the strips, from left to right. The edges are sorted by `from`.
fn cuts(edges: &[Edge], budget: &mut WorkBudget) -> Result<Vec<f64>, BudgetExceeded> {
    let ends = edges.iter().flat_map(|edge| [edge.from[0], edge.to[0]]);
    let mut cuts: Vec<f64> = ends.collect();
    let mut here: Vec<&Edge> = Vec::new();
    for edge in edges {
        budget.charge(1 + here.len())?;
        here.retain(|other| other.to[0] > edge.from[0]);
        let before = cuts.len();
        cuts.extend(here.iter().filter_map(|other| edge.crossing(other)));
        // Charged per crossing: two zigzags of n edges cross n² times.
        budget.charge(CROSSING * (cuts.len() - before))?;
        here.push(edge);
    }
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    Ok(cuts)
}
