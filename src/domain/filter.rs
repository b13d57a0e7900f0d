//! The leaves that every list's filter is made of, and the conditions they stand for.

mod answer;
mod person;
mod tree;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, Value,
    sea_query::{BinOper, Expr, ExprTrait},
};

pub use self::{
    answer::AnswerFilter,
    person::{among, of_seen},
    tree::{Leaves, MAX_DEPTH, Tree},
};
use crate::error::{Path, Problem, ProblemCode, Segment};

/// An id, or one of several. Text that is no id matches nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdFilter {
    pub eq: Option<String>,
    pub is_in: Option<Vec<String>>,
}

/// A text, one of several, or a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StringFilter {
    pub eq: Option<String>,
    pub is_in: Option<Vec<String>>,
    /// Without regard to case, as [`casefold::fold`] has it.
    pub contains: Option<String>,
}

/// A value of a closed set, or one of several.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumFilter<T> {
    pub eq: Option<T>,
    pub is_in: Option<Vec<T>>,
}

/// Bounds; each one that is given has to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Range<T> {
    pub gte: Option<T>,
    pub gt: Option<T>,
    pub lte: Option<T>,
    pub lt: Option<T>,
}

pub type DateTimeRange = Range<DateTime<Utc>>;
pub type FloatRange = Range<f64>;
pub type IntRange = Range<i32>;

impl IdFilter {
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        // As ids are printed, and nothing that merely stands for the same number.
        let id = |text: &String| {
            text.parse::<i64>()
                .ok()
                .filter(|id| id.to_string() == *text)
        };
        let mut all = Condition::all();
        if let Some(eq) = &self.eq {
            all = match id(eq) {
                Some(id) => all.add(column.eq(id)),
                None => all.add(nothing()),
            };
        }
        if let Some(list) = &self.is_in {
            all = all.add(column.is_in(list.iter().filter_map(id)));
        }
        all
    }

    /// The ids that meet it, when they can be told; text that is no id is left out.
    pub fn ids(&self) -> Option<Vec<i64>> {
        let ids = |texts: &[String]| -> Vec<i64> {
            let ids = texts.iter().filter_map(|text| text.parse().ok());
            ids.filter(|id| self.matches(*id)).collect()
        };
        match (&self.eq, &self.is_in) {
            (Some(eq), _) => Some(ids(std::slice::from_ref(eq))),
            (None, Some(list)) => Some(ids(list)),
            (None, None) => None,
        }
    }

    pub fn values(&self) -> usize {
        values(self.eq.is_some(), self.is_in.as_ref())
    }

    /// Whether an id that is known meets the condition.
    pub fn matches(&self, id: i64) -> bool {
        let id = id.to_string();
        self.eq.as_ref().is_none_or(|eq| *eq == id)
            && self.is_in.as_ref().is_none_or(|list| list.contains(&id))
    }
}

impl StringFilter {
    pub fn values(&self) -> usize {
        values(self.eq.is_some(), self.is_in.as_ref()) + usize::from(self.contains.is_some())
    }

    /// `folded` is the folded copy of the column.
    pub fn condition<C: ColumnTrait>(&self, column: C, folded: C) -> Condition {
        let mut all = Condition::all();
        if let Some(eq) = &self.eq {
            all = all.add(column.eq(storable(eq)));
        }
        if let Some(list) = &self.is_in {
            all = all.add(column.is_in(list.iter().map(|text| storable(text))));
        }
        if let Some(part) = &self.contains {
            all = all.add(contains(folded, part));
        }
        all
    }

    /// Looks at the length of `contains`; `path` leads to the filter.
    pub fn check(&self, path: &[Segment], problems: &mut Vec<Problem>) {
        problems.extend(check_part(self.contains.as_deref(), path));
    }
}

impl<T> EnumFilter<T> {
    pub fn values(&self) -> usize {
        values(self.eq.is_some(), self.is_in.as_ref())
    }
}

impl<T: PartialEq> EnumFilter<T> {
    /// Whether a value that is known meets the condition.
    pub fn matches(&self, value: &T) -> bool {
        self.eq.as_ref().is_none_or(|eq| eq == value)
            && self.is_in.as_ref().is_none_or(|list| list.contains(value))
    }
}

impl<T: Clone + Into<Value>> EnumFilter<T> {
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        let mut all = Condition::all();
        if let Some(eq) = &self.eq {
            all = all.add(column.eq(eq.clone()));
        }
        if let Some(list) = &self.is_in {
            all = all.add(column.is_in(list.iter().cloned()));
        }
        all
    }
}

impl<T> Range<T> {
    pub fn values(&self) -> usize {
        let bounds = [&self.gte, &self.gt, &self.lte, &self.lt];
        bounds.into_iter().flatten().count()
    }
}

impl<T: Clone + Into<Value>> Range<T> {
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        self.holds_of(&Expr::col(column.as_column_ref()))
    }

    /// The same of what is no column.
    pub fn holds_of(&self, number: &Expr) -> Condition {
        let mut all = Condition::all();
        if let Some(bound) = &self.gte {
            all = all.add(number.clone().gte(bound.clone()));
        }
        if let Some(bound) = &self.gt {
            all = all.add(number.clone().gt(bound.clone()));
        }
        if let Some(bound) = &self.lte {
            all = all.add(number.clone().lte(bound.clone()));
        }
        if let Some(bound) = &self.lt {
            all = all.add(number.clone().lt(bound.clone()));
        }
        all
    }
}

/// Longest text of a `contains`, in characters: SQLite takes patterns of 50,000 bytes.
pub const MAX_PART: usize = 1_000;

/// Whether a folded column has this text somewhere, without regard to case.
pub fn contains(folded: impl ColumnTrait, part: &str) -> Expr {
    let escaped = storable(&casefold::fold(part))
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let pattern = Expr::val(format!("%{escaped}%"));
    let pattern = pattern.binary(BinOper::Escape, Expr::Constant('\\'.into()));
    Expr::col(folded.as_column_ref()).binary(BinOper::Like, pattern)
}

fn check_part(part: Option<&str>, path: &[Segment]) -> Option<Problem> {
    let is_long = part?.chars().count() > MAX_PART;
    is_long.then(|| {
        let path: Path = path.iter().cloned().chain(["contains".into()]).collect();
        let message = format!("a part of a text has at most {MAX_PART} characters here");
        Problem::new(path, ProblemCode::TooLong, message)
    })
}

fn values<T>(has_eq: bool, list: Option<&Vec<T>>) -> usize {
    usize::from(has_eq) + list.map_or(0, Vec::len)
}

/// The condition that no row meets.
pub fn nothing() -> Expr {
    Expr::val(1_i32).eq(0_i32)
}

/// PostgreSQL refuses NUL in a text, so no stored text holds one: U+FFFF, which never stands in text
/// either, takes its place and matches nothing.
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{ffff}")
}
