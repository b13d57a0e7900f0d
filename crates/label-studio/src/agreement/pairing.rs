//! Assignment problem: pairs regions of two sides, each region at most once, so that the sum of similarities is
//! maximal.
//!
//! Kuhn 1955 (<https://doi.org/10.1002/nav.3800020109>), Munkres 1957 (<https://doi.org/10.1137/0105003>). Solved along
//! shortest augmenting paths (Jonker & Volgenant 1987, <https://doi.org/10.1007/BF02278710>) on a sparse matrix: pairs
//! with similarity 0 are left out.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::budget::{BudgetExceeded, WorkBudget};

/// Steps charged per visited pair.
const LOOK: usize = 4;

/// Maximal sum of similarities. `pairs` has each pair at most once, with a similarity above 0; the similarity of
/// missing pairs is 0.
pub fn largest_sum(
    pairs: &[(usize, usize, f64)],
    budget: &mut WorkBudget,
) -> Result<f64, BudgetExceeded> {
    let lefts = pairs.iter().map(|(left, ..)| left + 1).max().unwrap_or(0);
    let rights = pairs.iter().map(|(_, right, _)| right + 1).max();
    let mut assignment = Assignment::new(lefts, rights.unwrap_or(0), pairs);
    for row in 0..lefts {
        assignment.place(row, budget)?;
    }
    Ok(assignment.sum())
}

/// Assignment of rows to columns at minimal cost. The cost of a pair is the negative similarity.
struct Assignment {
    /// Columns of each row, with costs. The last column belongs to the row alone and costs 0: the row stays unpaired.
    rows: Vec<Vec<(usize, f64)>>,
    row_at: Vec<Option<usize>>,
    /// Dual variables: the cost of each pair is at least the sum of the row's and the column's, and equal for chosen
    /// pairs.
    row_worth: Vec<f64>,
    column_worth: Vec<f64>,
    /// Distance of each column on the current search, and the row before on the path.
    reached: Vec<Option<(f64, usize)>>,
    is_done: Vec<bool>,
}

impl Assignment {
    fn new(lefts: usize, rights: usize, pairs: &[(usize, usize, f64)]) -> Self {
        let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); lefts];
        for (left, right, likeness) in pairs {
            rows[*left].push((*right, -likeness));
        }
        for (row, columns) in rows.iter_mut().enumerate() {
            columns.push((rights + row, 0.0));
        }
        let cheapest = |columns: &Vec<(usize, f64)>| {
            let costs = columns.iter().map(|(_, cost)| *cost);
            costs.fold(0.0, f64::min)
        };
        let width = rights + lefts;
        Self {
            row_worth: rows.iter().map(cheapest).collect(),
            rows,
            row_at: vec![None; width],
            column_worth: vec![0.0; width],
            reached: vec![None; width],
            is_done: vec![false; width],
        }
    }

    /// Assigns a further row along the shortest augmenting path (Dijkstra): rows on the path move to the next column.
    fn place(&mut self, row: usize, budget: &mut WorkBudget) -> Result<(), BudgetExceeded> {
        let mut touched = Vec::new();
        let mut done = Vec::new();
        let mut nearest = BinaryHeap::new();
        let (mut at, mut gone) = (row, 0.0);
        let end = loop {
            budget.charge(1 + LOOK * self.rows[at].len())?;
            for (column, cost) in &self.rows[at] {
                let further = cost - self.row_worth[at] - self.column_worth[*column];
                // Bounded by 0: rounding can make a reduced cost negative, which Dijkstra's search does not allow.
                let far = gone + further.max(0.0);
                if self.reached[*column].is_none_or(|(known, _)| far < known) {
                    if self.reached[*column].is_none() {
                        touched.push(*column);
                    }
                    self.reached[*column] = Some((far, at));
                    // The bits of non-negative doubles sort as the numbers do.
                    nearest.push(Reverse((far.to_bits(), *column)));
                }
            }
            // Skips entries that a shorter distance has replaced: the heap has no decrease-key.
            let column = loop {
                let Reverse((_, column)) = nearest.pop().expect("a row's own column is free");
                if !self.is_done[column] {
                    break column;
                }
            };
            self.is_done[column] = true;
            gone = self.reached[column].map_or(gone, |(far, _)| far);
            match self.row_at[column] {
                Some(next) => {
                    done.push((column, next, gone));
                    at = next;
                }
                None => break column,
            }
        };
        // Updates the dual variables of visited rows and columns, so that reduced costs stay non-negative.
        self.row_worth[row] += gone;
        for (column, next, far) in done {
            self.column_worth[column] -= gone - far;
            self.row_worth[next] += gone - far;
        }
        // Walks back from the free column to `row`, and moves each row on the path to the column found from there.
        let mut column = end;
        loop {
            let (_, from) = self.reached[column].expect("the way was reached step by step");
            let had = self.rows[from]
                .iter()
                .map(|(column, _)| *column)
                .find(|column| self.row_at[*column] == Some(from));
            self.row_at[column] = Some(from);
            let Some(had) = had else { break };
            column = had;
        }
        // Resets visited columns only: clearing all would make each row cost the size of the matrix.
        for column in touched {
            self.reached[column] = None;
            self.is_done[column] = false;
        }
        Ok(())
    }

    fn sum(&self) -> f64 {
        let rows = self.row_at.iter().enumerate();
        let likeness = rows.filter_map(|(column, row)| {
            let mut columns = self.rows[(*row)?].iter();
            let (_, cost) = columns.find(|(other, _)| *other == column)?;
            Some(-cost)
        });
        likeness.sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reference solution: tries all assignments.
    fn by_trying(likeness: &[Vec<f64>], taken: &mut Vec<bool>) -> f64 {
        let Some((row, rest)) = likeness.split_first() else {
            return 0.0;
        };
        let mut best = by_trying(rest, taken);
        for column in 0..row.len() {
            if !taken[column] {
                taken[column] = true;
                best = best.max(row[column] + by_trying(rest, taken));
                taken[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_pairing_has_a_larger_sum(
            (height, width, values) in (1..6_usize, 1..6_usize)
                .prop_flat_map(|(height, width)| {
                    let value = prop_oneof![Just(0.0), Just(0.5), Just(1.0), 0.0..1.0];
                    (Just(height), Just(width), prop::collection::vec(value, height * width))
                })
        ) {
            let table: Vec<Vec<f64>> = values.chunks(width).map(<[f64]>::to_vec).collect();
            let cells = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
            let pairs: Vec<_> = cells
                .map(|(row, column)| (row, column, table[row][column]))
                .filter(|(.., value)| *value > 0.0)
                .collect();
            let found = largest_sum(&pairs, &mut WorkBudget::new(1 << 20)).unwrap();
            let best = by_trying(&table, &mut vec![false; width]);
            prop_assert!((found - best).abs() < 1e-12, "{found} of {best}");
        }
    }

    #[test]
    fn work_is_paid_for() {
        let pairs: Vec<_> = (0..100)
            .flat_map(|left| (0..100).map(move |right| (left, right, 1.0)))
            .collect();
        assert_eq!(
            largest_sum(&pairs, &mut WorkBudget::new(1 << 30)),
            Ok(100.0)
        );
        assert_eq!(
            largest_sum(&pairs, &mut WorkBudget::new(1_000)),
            Err(BudgetExceeded)
        );
    }
}
