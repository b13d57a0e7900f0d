//! Leaves shared by the filters of all lists, and their SQL conditions (`docs/decisions/0014-filters.md`).

mod answer;
mod person;
mod tree;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, Value,
    sea_query::{BinOper, Expr, ExprTrait},
};
use serde::{Serialize, Serializer};

pub use self::{
    answer::AnswerFilter,
    person::{among, of_seen},
    tree::{Leaves, MAX_DEPTH, Tree},
};
use crate::error::{Path, Problem, ProblemCode, Segment};

/// Matches an id, or any of several. Text that is not an id matches no row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct IdFilter {
    pub eq: Option<String>,
    #[serde(rename = "in")]
    pub is_in: Option<Vec<String>>,
}

/// Matches a text, any of several, or a part of a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StringFilter {
    pub eq: Option<String>,
    #[serde(rename = "in")]
    pub is_in: Option<Vec<String>>,
    /// Case-insensitive, folded by [`casefold::fold`].
    pub contains: Option<String>,
}

/// Matches a value of a closed set, or any of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnumFilter<T> {
    pub eq: Option<T>,
    #[serde(rename = "in")]
    pub is_in: Option<Vec<T>>,
}

/// Bounds of a value; each bound that is given has to hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Range<T> {
    pub gte: Option<T>,
    pub gt: Option<T>,
    pub lte: Option<T>,
    pub lt: Option<T>,
}

/// Bounds of an instant.
pub type DateTimeRange = Range<DateTime<Utc>>;
/// Bounds of a floating-point number.
pub type FloatRange = Range<f64>;
/// Bounds of an integer.
pub type IntRange = Range<i32>;

impl IdFilter {
    /// Builds the condition on a column of ids.
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        // Accepts the printed form of an id alone: `007` or `+7` is not the id 7.
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
            // Unparsable ids drop out of the list; an empty list matches no row.
            all = all.add(column.is_in(list.iter().filter_map(id)));
        }
        all
    }

    /// Lists the ids that can match, or `None` if the filter does not name ids. Text that is not an id is left out.
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

    /// Number of ids in the filter.
    pub fn values(&self) -> usize {
        values(self.eq.is_some(), self.is_in.as_ref())
    }

    /// Says whether a known id matches.
    pub fn matches(&self, id: i64) -> bool {
        let id = id.to_string();
        self.eq.as_ref().is_none_or(|eq| *eq == id)
            && self.is_in.as_ref().is_none_or(|list| list.contains(&id))
    }
}

impl StringFilter {
    /// Number of texts in the filter.
    pub fn values(&self) -> usize {
        values(self.eq.is_some(), self.is_in.as_ref()) + usize::from(self.contains.is_some())
    }

    /// Builds the condition; `folded` is the folded copy of the column.
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

    /// Checks the length of `contains`; `path` leads to the filter.
    pub fn check(&self, path: &[Segment], problems: &mut Vec<Problem>) {
        problems.extend(check_part(self.contains.as_deref(), path));
    }
}

impl<T> EnumFilter<T> {
    /// The same filter of values that stand for these.
    pub fn map<U>(&self, turn: impl Fn(&T) -> U) -> EnumFilter<U> {
        let list = self.is_in.as_ref();
        EnumFilter {
            eq: self.eq.as_ref().map(&turn),
            is_in: list.map(|list| list.iter().map(turn).collect()),
        }
    }

    /// Number of values in the filter.
    pub fn values(&self) -> usize {
        values(self.eq.is_some(), self.is_in.as_ref())
    }
}

impl<T: PartialEq> EnumFilter<T> {
    /// Says whether a known value matches.
    pub fn matches(&self, value: &T) -> bool {
        self.eq.as_ref().is_none_or(|eq| eq == value)
            && self.is_in.as_ref().is_none_or(|list| list.contains(value))
    }
}

impl<T: Clone + Into<Value>> EnumFilter<T> {
    /// Builds the condition on a column.
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
    /// Number of bounds in the filter.
    pub fn values(&self) -> usize {
        let bounds = [&self.gte, &self.gt, &self.lte, &self.lt];
        bounds.into_iter().flatten().count()
    }
}

impl<T: Clone + Into<Value>> Range<T> {
    /// Builds the condition on a column; null fulfils no bound.
    pub fn condition(&self, column: impl ColumnTrait) -> Condition {
        self.holds_of(&Expr::col(column.as_column_ref()))
    }

    /// Builds the same condition for an expression in place of a column.
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

/// Serialises values of a stored enum by the names that they are stored by, which never change.
pub fn stored<T, S>(filter: &Option<EnumFilter<T>>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: ActiveEnum<Value = String>,
    S: Serializer,
{
    let filter = filter.as_ref();
    filter
        .map(|filter| filter.map(ActiveEnum::to_value))
        .serialize(serializer)
}

/// Serialises values by their texts.
pub fn printed<T, S>(filter: &Option<EnumFilter<T>>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: ToString,
    S: Serializer,
{
    let filter = filter.as_ref();
    filter
        .map(|filter| filter.map(ToString::to_string))
        .serialize(serializer)
}

/// Longest text of a `contains`, in characters: SQLite takes patterns of 50,000 bytes
/// (<https://www.sqlite.org/limits.html#max_like_pattern_length>).
pub const MAX_PART: usize = 1_000;

/// Builds a condition on a folded column: contains this text, case-insensitively.
pub fn contains(folded: impl ColumnTrait, part: &str) -> Expr {
    // Escapes the wildcards of LIKE: a user's `%` or `_` stands for the character alone. SQLite has no default escape
    // character: https://www.sqlite.org/lang_expr.html#like
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

/// Condition that no row meets.
pub fn nothing() -> Expr {
    Expr::val(1_i32).eq(0_i32)
}

/// Replaces NUL by U+FFFF. PostgreSQL refuses NUL in a text
/// (<https://www.postgresql.org/docs/current/datatype-character.html>), so no stored text contains NUL or U+FFFF, and
/// the replaced text matches no row.
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{ffff}")
}
