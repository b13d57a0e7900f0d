//! What lists are ordered by.

use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, Func},
};
use serde::Serialize;

/// What a list is ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderKey {
    #[default]
    Id,
    CreatedAt,
    UpdatedAt,
}

/// The order of a list: ascending by id unless the client says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Ordering<K = OrderKey> {
    pub key: K,
    pub descending: bool,
}

/// Where a list's order lies in its table.
#[derive(Clone, Copy)]
pub struct Columns<C> {
    pub key: Key<C>,
    pub id: C,
    pub descending: bool,
}

/// What a list is ordered by, before `id`.
#[derive(Clone, Copy)]
pub enum Key<C> {
    /// Nothing.
    Id,
    Instant(C),
    /// Zero or more, or null, which is less.
    Number(C),
}

impl<C: ColumnTrait> Key<C> {
    /// Never null: no comparison of rows copes with nulls, and databases place them differently.
    pub fn expression(self) -> Option<Expr> {
        match self {
            Self::Id => None,
            Self::Instant(column) => Some(Expr::col(column.as_column_ref())),
            Self::Number(column) => Some(or_less(column)),
        }
    }
}

/// A number that is zero or more, or -1 where there is none: as the indexes have it.
pub fn or_less(column: impl ColumnTrait) -> Expr {
    // As it is spelled in the index, and no parameter.
    let less = Expr::cust("-1");
    Func::coalesce([Expr::col(column.as_column_ref()), less]).into()
}
