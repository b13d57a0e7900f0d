//! Filter trees: leaves combined by `and`, `or` and `not`.

use sea_orm::{
    Condition,
    sea_query::{BinOper, Expr, ExprTrait},
};
use serde::Serialize;

use crate::error::{Path, Problem, ProblemCode};

/// Maximum depth of a filter tree, including the outermost filter.
pub const MAX_DEPTH: usize = 10;
/// Maximum number of filters of a list, including the outermost filter.
pub const MAX_FILTERS: usize = 100;
/// Maximum number of values in all filters of a list: databases limit the parameters of a statement.
pub const MAX_VALUES: usize = 10_000;
/// Maximum number of filters reported as too deep.
const MAX_TOLD: usize = 100;

/// Conditions of a filter without its inner filters; each condition that is given has to match.
///
/// The serialised form is part of cursors, under the names of the schema: a new leaf is optional, and no leaf is
/// renamed.
pub trait Leaves: Serialize {
    /// Counts the values to compare with.
    fn values(&self) -> usize;

    /// Adds the problems of single values; `path` leads to the filter.
    fn check(&self, _path: &Path, _problems: &mut Vec<Problem>) {}
}

/// Filter with inner filters; each part that is given has to match.
///
/// Uses two-valued logic: a comparison with null is false, and `not` of that is true. SQL's unknown never leaves a
/// filter. Example: `not: { score: { gt: 1 } }` includes rows without a score.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tree<L> {
    #[serde(flatten)]
    pub leaves: L,
    /// Each has to match; an empty list matches all rows.
    pub and: Option<Vec<Self>>,
    /// At least a single filter has to match; an empty list matches no row.
    pub or: Option<Vec<Self>>,
    pub not: Option<Box<Self>>,
}

/// Totals over all filters of a list.
#[derive(Default)]
struct Size {
    filters: usize,
    values: usize,
    problems: Vec<Problem>,
}

impl<L> Tree<L> {
    /// Builds the SQL condition of the tree. `condition` builds the condition of leaves, and receives whether each
    /// matching row has to meet these leaves.
    pub fn condition(&self, condition: &impl Fn(&L, bool) -> Condition) -> Condition {
        self.within(true, condition)
    }

    /// Lists the leaves that each matching row has to meet: those of the filter and of `and`.
    pub fn needed(&self) -> Vec<&L> {
        let inner = self.and.iter().flatten().flat_map(Self::needed);
        std::iter::once(&self.leaves).chain(inner).collect()
    }

    fn within(&self, is_needed: bool, condition: &impl Fn(&L, bool) -> Condition) -> Condition {
        let mut all = condition(&self.leaves, is_needed);
        for filter in self.and.iter().flatten() {
            let inner = filter.within(is_needed, condition);
            // An empty condition matches every row.
            if !inner.is_empty() {
                all = all.add(inner);
            }
        }
        if let Some(filters) = &self.or {
            // A branch of `or` is not required of each row, hence `false`.
            let filters = filters.iter();
            let conditions = filters.map(|filter| filter.within(false, condition));
            all = all.add(conditions.fold(Condition::any(), Condition::add));
        }
        if let Some(filter) = &self.not {
            // `IS NOT TRUE` maps unknown to true, whereas NOT keeps unknown:
            // https://www.postgresql.org/docs/current/functions-comparison.html
            let met = Expr::from(filter.within(false, condition));
            all = all.add(met.binary(BinOper::IsNot, Expr::Constant(true.into())));
        }
        all
    }
}

impl<L: Leaves> Tree<L> {
    /// Reports the problems of size in a list's filter.
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
        // Stops at enough problems: a hostile filter could otherwise produce megabytes of messages.
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
