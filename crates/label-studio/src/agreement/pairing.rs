//! Pairs each of one side with at most one of the other, so that the likenesses of the pairs have the largest
//! sum: the assignment problem (Kuhn 1955, Munkres 1957), solved along shortest augmenting paths (Jonker &
//! Volgenant 1987) over the pairs alone that have any likeness.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::budget::{BudgetExceeded, WorkBudget};

/// What the allowance is charged for a pair that is looked at.
const LOOK: usize = 4;

/// The largest sum. Each pair is named once, with a likeness above 0; those that are not named have none.
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

/// Rows that are being given columns, at the least cost: a pair costs its likeness, negative.
struct Assignment {
    /// Columns of each row, with costs. The last one is the row's own, for nothing: it stays alone there.
    rows: Vec<Vec<(usize, f64)>>,
    row_at: Vec<Option<usize>>,
    /// What rows and columns are worth: no pair costs less than its two together, and those that are chosen
    /// cost just that.
    row_worth: Vec<f64>,
    column_worth: Vec<f64>,
    /// How far each column is on the way that is being looked for, and from which row it is reached.
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

    /// Gives one more row a column, on the shortest way: rows that are in its way move on.
    fn place(&mut self, row: usize, budget: &mut WorkBudget) -> Result<(), BudgetExceeded> {
        let mut touched = Vec::new();
        let mut done = Vec::new();
        let mut nearest = BinaryHeap::new();
        let (mut at, mut gone) = (row, 0.0);
        let end = loop {
            budget.charge(1 + LOOK * self.rows[at].len())?;
            for (column, cost) in &self.rows[at] {
                let further = cost - self.row_worth[at] - self.column_worth[*column];
                // Rounding makes no way shorter.
                let far = gone + further.max(0.0);
                if self.reached[*column].is_none_or(|(known, _)| far < known) {
                    if self.reached[*column].is_none() {
                        touched.push(*column);
                    }
                    self.reached[*column] = Some((far, at));
                    // The bits of numbers that are not negative have their order.
                    nearest.push(Reverse((far.to_bits(), *column)));
                }
            }
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
        self.row_worth[row] += gone;
        for (column, next, far) in done {
            self.column_worth[column] -= gone - far;
            self.row_worth[next] += gone - far;
        }
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

    /// Tries them all.
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
