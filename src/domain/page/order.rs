//! Orders of lists.

use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, Func},
};
use serde::Serialize;

/// Sort key of a list; rows with equal keys are ordered by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderKey {
    #[default]
    Id,
    CreatedAt,
    UpdatedAt,
}

/// Order of a list: ascending by id unless given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Ordering<K = OrderKey> {
    pub key: K,
    pub descending: bool,
}

/// Columns of a list's order.
#[derive(Clone, Copy)]
pub struct Columns<C> {
    pub key: Key<C>,
    pub id: C,
    pub descending: bool,
}

/// Sort key before `id`.
#[derive(Clone, Copy)]
pub enum Key<C> {
    /// No further key.
    Id,
    Instant(C),
    /// Zero or more, or null, which sorts first.
    Number(C),
}

impl<C: ColumnTrait> Key<C> {
    /// Returns the sort key as an expression that is never null: row values with null compare as unknown, and
    /// databases sort nulls differently.
    pub fn expression(self) -> Option<Expr> {
        match self {
            Self::Id => None,
            Self::Instant(column) => Some(Expr::col(column.as_column_ref())),
            Self::Number(column) => Some(or_less(column)),
        }
    }
}

/// Replaces null by -1 in a column of numbers from zero up, as in the indexes.
pub fn or_less(column: impl ColumnTrait) -> Expr {
    // Written as in the index, and not as a parameter: databases match index expressions by text.
    let less = Expr::cust("-1");
    Func::coalesce([Expr::col(column.as_column_ref()), less]).into()
}
