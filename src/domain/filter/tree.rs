//! Filters within filters: all of several, any of several, and the opposite of one.

use std::fmt::Debug;

use sea_orm::{
    Condition,
    sea_query::{BinOper, Expr, ExprTrait},
};

use crate::error::{Path, Problem, ProblemCode};

/// Filters within one another, the outermost included.
pub const MAX_DEPTH: usize = 10;
/// Filters of one list, the outermost included.
pub const MAX_FILTERS: usize = 100;
/// Values in all filters of one list: databases bound the parameters of a statement.
pub const MAX_VALUES: usize = 10_000;
/// Filters that are told to be too deep.
const MAX_TOLD: usize = 100;

/// What a filter says by itself; every part that is given has to match.
pub trait Leaves: Debug {
    /// How many values it compares with.
    fn values(&self) -> usize;

    /// Adds what is wrong with single values; `path` leads to the filter.
    fn check(&self, _path: &Path, _problems: &mut Vec<Problem>) {}
}

/// A filter with the filters that it is combined with; every part that is given has to match.
///
/// Its logic has two values: what compares with a null is not met, and the opposite of that is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree<L> {
    pub leaves: L,
    /// All of them; of none, everything.
    pub and: Option<Vec<Self>>,
    /// One of them at least; of none, nothing.
    pub or: Option<Vec<Self>>,
    pub not: Option<Box<Self>>,
}

/// What all filters of a list amount to.
#[derive(Default)]
struct Size {
    filters: usize,
    values: usize,
    problems: Vec<Problem>,
}

impl<L> Tree<L> {
    /// The condition that it stands for. `condition` has that of its leaves, and is told whether every row
    /// that matches has to meet it.
    pub fn condition(&self, condition: &impl Fn(&L, bool) -> Condition) -> Condition {
        self.within(true, condition)
    }

    fn within(&self, is_needed: bool, condition: &impl Fn(&L, bool) -> Condition) -> Condition {
        let mut all = condition(&self.leaves, is_needed);
        for filter in self.and.iter().flatten() {
            all = all.add(filter.within(is_needed, condition));
        }
        if let Some(filters) = &self.or {
            let filters = filters.iter();
            let conditions = filters.map(|filter| filter.within(false, condition));
            all = all.add(conditions.fold(Condition::any(), Condition::add));
        }
        if let Some(filter) = &self.not {
            // NOT would keep the unknown unknown.
            let met = Expr::from(filter.within(false, condition));
            all = all.add(met.binary(BinOper::IsNot, Expr::Constant(true.into())));
        }
        all
    }
}

impl<L: Leaves> Tree<L> {
    /// Everything that is wrong with the size of a list's filter.
    pub fn check(&self) -> Vec<Problem> {
        let mut size = Size::default();
        let mut path: Path = vec!["filter".into()];
        self.measure(1, &mut path, &mut size);
        let mut problems = size.problems;
        for (actual, max, what) in [
            (size.filters, MAX_FILTERS, "filters"),
            (size.values, MAX_VALUES, "values"),
        ] {
            if actual > max {
                let message = format!("a filter has at most {max} {what}, its inner ones included");
                problems.push(Problem::new(["filter"], ProblemCode::TooLong, message));
            }
        }
        problems
    }

    fn measure(&self, depth: usize, path: &mut Path, size: &mut Size) {
        if size.problems.len() >= MAX_TOLD {
            return;
        }
        if depth > MAX_DEPTH {
            let message = format!("filters are at most {MAX_DEPTH} levels deep");
            let problem = Problem::new(path.iter().cloned(), ProblemCode::TooDeep, message);
            return size.problems.push(problem);
        }
        size.filters += 1;
        size.values += self.leaves.values();
        self.leaves.check(path, &mut size.problems);
        for (key, filters) in [("and", &self.and), ("or", &self.or)] {
            path.push(key.into());
            for (index, filter) in filters.iter().flatten().enumerate() {
                path.push(index.into());
                filter.measure(depth + 1, path, size);
                path.pop();
            }
            path.pop();
        }
        if let Some(filter) = &self.not {
            path.push("not".into());
            filter.measure(depth + 1, path, size);
            path.pop();
        }
    }
}
