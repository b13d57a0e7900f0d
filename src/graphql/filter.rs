//! The inputs that filters and orders are made of.

use async_graphql::{Enum, ID, InputObject};

use super::scalar::{DateTime, Uuid};
use crate::domain::{filter, page};

/// Matches an id. Parts that are given all have to match; an id that names nothing matches nothing.
#[derive(InputObject)]
#[graphql(name = "IDFilter")]
pub struct IDFilter {
    /// Exactly this id.
    eq: Option<ID>,
    /// One of these ids.
    r#in: Option<Vec<ID>>,
}

impl From<IDFilter> for filter::IdFilter {
    fn from(input: IDFilter) -> Self {
        Self {
            eq: input.eq.map(|id| id.0),
            is_in: input
                .r#in
                .map(|ids| ids.into_iter().map(|id| id.0).collect()),
        }
    }
}

/// Matches a text. Parts that are given all have to match.
#[derive(InputObject)]
pub struct StringFilter {
    /// Exactly this text.
    eq: Option<String>,
    /// One of these texts.
    r#in: Option<Vec<String>>,
    /// This text somewhere in it, without regard to the case of letters; beyond ASCII that is up to the database.
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

/// Matches a UUID. Parts that are given all have to match.
#[derive(InputObject)]
#[graphql(name = "UUIDFilter")]
pub struct UUIDFilter {
    /// Exactly this one.
    eq: Option<Uuid>,
    /// One of these.
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

/// Bounds of an instant. Bounds that are given all have to hold.
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

/// Bounds of a number. Bounds that are given all have to hold; what has no value matches none.
#[derive(InputObject)]
pub struct FloatRange {
    /// This much or more.
    gte: Option<f64>,
    /// More than this.
    gt: Option<f64>,
    /// This much or less.
    lte: Option<f64>,
    /// Less than this.
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

/// Which way a list runs.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest or earliest first.
    Asc,
    /// Largest or latest first.
    Desc,
}

/// The order of a list, ascending by id unless given.
pub fn ordering(order: Option<(page::OrderKey, OrderDirection)>) -> page::Ordering {
    match order {
        None => page::Ordering::default(),
        Some((key, direction)) => page::Ordering {
            key,
            descending: direction == OrderDirection::Desc,
        },
    }
}
