//! The area that two polygons share, and the area that they cover: of any polygons, those that cross themselves
//! too.
//!
//! The plane is cut into vertical strips, at each corner and at each place where two edges cross. Within a strip
//! edges keep their order, and what lies between two of them is a trapezoid, of which the middle line tells the
//! area. Edges that lie on one another are no special case: between them is nothing.

use super::{
    budget::{BudgetExceeded, WorkBudget},
    outline::Outline,
};

/// What the allowance is charged for a strip's edge that is put in order, and for a place where edges cross.
const PLACED: usize = 8;
const CROSSING: usize = 16;

/// An edge that is not vertical, from left to right.
#[derive(Clone, Copy)]
struct Edge {
    from: [f64; 2],
    to: [f64; 2],
    /// 1 when the outline runs from left to right, too; else -1.
    direction: i32,
    is_first: bool,
}

impl Edge {
    fn y(&self, x: f64) -> f64 {
        let share = (x - self.from[0]) / (self.to[0] - self.from[0]);
        self.from[1] + (self.to[1] - self.from[1]) * share
    }

    /// Where two edges cross, apart from their ends.
    fn crossing(&self, other: &Self) -> Option<f64> {
        let (left, right) = (self.from[0].max(other.from[0]), self.to[0].min(other.to[0]));
        let at_left = self.y(left) - other.y(left);
        let at_right = self.y(right) - other.y(right);
        if (at_left < 0.0) == (at_right < 0.0) || at_left == 0.0 || at_right == 0.0 {
            return None;
        }
        let x = left + (right - left) * (at_left / (at_left - at_right));
        (left < x && x < right).then_some(x)
    }
}

/// The intersection over union of two outlines that can be measured; 0 when neither has an area.
pub fn iou(a: &Outline, b: &Outline, budget: &mut WorkBudget) -> Result<f64, BudgetExceeded> {
    let mut edges: Vec<Edge> = edges(a, true).chain(edges(b, false)).collect();
    edges.sort_unstable_by(|a, b| a.from[0].total_cmp(&b.from[0]));
    budget.charge(PLACED * edges.len())?;
    let cuts = cuts(&edges, budget)?;

    let (mut common, mut covered) = (0.0, 0.0);
    let mut coming = edges.iter().peekable();
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
        (from[0] < to[0]).then_some(Edge {
            from: *from,
            to: *to,
            direction,
            is_first,
        })
    })
}

/// Where strips begin and end, from left to right. The edges are sorted by where they begin.
fn cuts(edges: &[Edge], budget: &mut WorkBudget) -> Result<Vec<f64>, BudgetExceeded> {
    let ends = edges.iter().flat_map(|edge| [edge.from[0], edge.to[0]]);
    let mut cuts: Vec<f64> = ends.collect();
    let mut here: Vec<&Edge> = Vec::new();
    for edge in edges {
        budget.charge(1 + here.len())?;
        here.retain(|other| other.to[0] > edge.from[0]);
        let before = cuts.len();
        cuts.extend(here.iter().filter_map(|other| edge.crossing(other)));
        budget.charge(CROSSING * (cuts.len() - before))?;
        here.push(edge);
    }
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    Ok(cuts)
}
