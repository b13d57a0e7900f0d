//! Inputs shared by the filters and orders of all lists.

use async_graphql::{Enum, ID, InputObject};

use super::scalar::{DateTime, Uuid};
use crate::domain::{filter, page};

/// Condition on an id. Every given part has to match; an unknown id matches nothing.
#[derive(InputObject)]
#[graphql(name = "IDFilter")]
pub struct IDFilter {
    /// Equal to this id.
    eq: Option<ID>,
    /// Equal to an id of the list.
    r#in: Option<Vec<ID>>,
}

impl From<IDFilter> for filter::IdFilter {
    fn from(input: IDFilter) -> Self {
        Self {
            // Keeps ids as text: unparsable ids match no row instead of failing the request.
            eq: input.eq.map(|id| id.0),
            is_in: input
                .r#in
                .map(|ids| ids.into_iter().map(|id| id.0).collect()),
        }
    }
}

/// Condition on a text. Every given part has to match.
#[derive(InputObject)]
pub struct StringFilter {
    /// Equal to this text, to the letter.
    eq: Option<String>,
    /// Equal to a text of the list, to the letter.
    r#in: Option<Vec<String>>,
    /// This text is part of the value, without regard to case: both texts are compared by Unicode's full
    /// case folding, and composed (`STRASSE` is in `Straße`, `E` not in `é`). At most 1,000 characters,
    /// else TOO_LONG.
    contains: Option<String>,
}

impl From<StringFilter> for filter::StringFilter {
    fn from(input: StringFilter) -> Self {
        Self {
            eq: input.eq,
            is_in: input.r#in,
            contains: input.contains,
        }
    }
}

/// Condition on a UUID. Every given part has to match.
#[derive(InputObject)]
#[graphql(name = "UUIDFilter")]
pub struct UUIDFilter {
    /// Equal to this UUID.
    eq: Option<Uuid>,
    /// Equal to a value of the list.
    r#in: Option<Vec<Uuid>>,
}

impl From<UUIDFilter> for filter::EnumFilter<uuid::Uuid> {
    fn from(input: UUIDFilter) -> Self {
        Self {
            eq: input.eq.map(|id| id.0),
            is_in: input
                .r#in
                .map(|ids| ids.into_iter().map(|id| id.0).collect()),
        }
    }
}

/// Bounds of an instant. Every given bound has to hold.
#[derive(InputObject)]
pub struct DateTimeRange {
    /// At this instant or later.
    gte: Option<DateTime>,
    /// Later than this instant.
    gt: Option<DateTime>,
    /// At this instant or earlier.
    lte: Option<DateTime>,
    /// Earlier than this instant.
    lt: Option<DateTime>,
}

impl From<DateTimeRange> for filter::DateTimeRange {
    fn from(input: DateTimeRange) -> Self {
        let at = |bound: Option<DateTime>| bound.map(|bound| bound.0);
        Self {
            gte: at(input.gte),
            gt: at(input.gt),
            lte: at(input.lte),
            lt: at(input.lt),
        }
    }
}

/// Bounds of a number. Every given bound has to hold; a missing value matches no bound.
#[derive(InputObject)]
pub struct FloatRange {
    /// This number or more.
    gte: Option<f64>,
    /// More than this number.
    gt: Option<f64>,
    /// This number or less.
    lte: Option<f64>,
    /// Less than this number.
    lt: Option<f64>,
}

impl From<FloatRange> for filter::FloatRange {
    fn from(input: FloatRange) -> Self {
        Self {
            gte: input.gte,
            gt: input.gt,
            lte: input.lte,
            lt: input.lt,
        }
    }
}

/// Bounds of a whole number. Every given bound has to hold.
#[derive(InputObject)]
pub struct IntRange {
    /// This number or more.
    gte: Option<i32>,
    /// More than this number.
    gt: Option<i32>,
    /// This number or less.
    lte: Option<i32>,
    /// Less than this number.
    lt: Option<i32>,
}

impl From<IntRange> for filter::IntRange {
    fn from(input: IntRange) -> Self {
        Self {
            gte: input.gte,
            gt: input.gt,
            lte: input.lte,
            lt: input.lt,
        }
    }
}

/// Builds a filter tree from leaves and inner filters.
pub fn tree<I, L>(
    leaves: L,
    and: Option<Vec<I>>,
    or: Option<Vec<I>>,
    not: Option<Box<I>>,
) -> filter::Tree<L>
where
    I: Into<filter::Tree<L>>,
{
    let all = |filters: Vec<I>| filters.into_iter().map(Into::into).collect();
    filter::Tree {
        leaves,
        and: and.map(all),
        or: or.map(all),
        not: not.map(|filter| Box::new((*filter).into())),
    }
}

/// Direction of a list.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest or earliest first.
    Asc,
    /// Largest or latest first.
    Desc,
}

/// The order of a list, ascending by id unless given.
pub fn ordering<K: Default>(order: Option<(K, OrderDirection)>) -> page::Ordering<K> {
    match order {
        None => page::Ordering::default(),
        Some((key, direction)) => page::Ordering {
            key,
            descending: direction == OrderDirection::Desc,
        },
    }
}
