//! Keyset pages: pages that begin after a row's sort key, forwards and backwards, for a single list or a list per
//! parent.

mod arguments;
mod cursor;
mod fingerprint;
mod order;
mod read;

use sea_orm::{
    ColumnTrait, EntityTrait, ModelTrait, Order, QueryTrait, Select, Value,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use serde::Serialize;

use self::cursor::SortKey;
pub use self::{
    arguments::{Arguments, DEFAULT_SIZE, MAX_SIZE, NESTED_DEFAULT_SIZE},
    cursor::Cursor,
    order::{Columns, Key, OrderKey, Ordering, or_less},
};
use super::{
    filter::{Leaves, Tree},
    large::Weighed,
};
use crate::error::{Problem, ProblemCode, Result};

/// Checked request for a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    size: u64,
    backwards: bool,
    /// Sort key and id of the row after which the page begins.
    start: Option<(SortKey, i64)>,
    /// Hash of filter and order; a cursor with a different hash is refused.
    fingerprint: u32,
    /// The page may be cut at its far end, for answers that say whether more rows follow.
    may_be_cut: bool,
}

/// Filter and order of a list, for which a cursor is valid.
#[derive(Serialize)]
struct Scope<'a, L, K> {
    filter: &'a Tree<L>,
    order: Ordering<K>,
}

/// Rows of a page, in the list's order.
#[derive(Clone, Debug)]
pub struct PageRows<M> {
    pub rows: Vec<M>,
    pub has_next: bool,
    pub has_previous: bool,
    /// Cursors in the order of `rows`.
    pub cursors: Vec<Cursor>,
}

impl<M> Default for PageRows<M> {
    fn default() -> Self {
        Self {
            rows: vec![],
            has_next: false,
            has_previous: false,
            cursors: vec![],
        }
    }
}

impl<M> PageRows<M> {
    /// Converts the rows.
    pub fn map<N>(self, turn: impl FnMut(M) -> N) -> PageRows<N> {
        PageRows {
            rows: self.rows.into_iter().map(turn).collect(),
            cursors: self.cursors,
            has_next: self.has_next,
            has_previous: self.has_previous,
        }
    }

    /// Converts the rows, or leaves rows out.
    pub fn filter_map<N>(self, turn: impl FnMut(M) -> Option<N>) -> PageRows<N> {
        let turned = self.rows.into_iter().map(turn).zip(self.cursors);
        let (rows, cursors) = turned
            .filter_map(|(row, cursor)| Some((row?, cursor)))
            .unzip();
        PageRows {
            rows,
            cursors,
            has_next: self.has_next,
            has_previous: self.has_previous,
        }
    }
}

impl Page {
    /// Checks filter and arguments of a list and reports all problems at once.
    pub fn of<L: Leaves, K: Serialize>(
        arguments: &Arguments,
        filter: &Tree<L>,
        order: Ordering<K>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = filter.check();
        match Self::new(arguments, &Scope { filter, order }) {
            Ok(page) if problems.is_empty() => return Ok(page),
            Ok(_) => {}
            Err(others) => problems.extend(others),
        }
        Err(problems)
    }

    /// Checks the arguments of a list with this filter and order.
    pub fn new(arguments: &Arguments, scope: &impl Serialize) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let Arguments {
            first,
            after,
            last,
            before,
            is_nested: _,
        } = arguments;
        for (name, size) in [("first", first), ("last", last)] {
            if size.is_some_and(|size| !(0..=MAX_SIZE).contains(&size)) {
                problems.push(Problem::new(
                    [name],
                    ProblemCode::OutOfBounds,
                    format!("a page has 0 to {MAX_SIZE} items"),
                ));
            }
        }
        // Refuses mixed directions, which Relay leaves undefined: https://relay.dev/graphql/connections.htm
        for (one, other, clash) in [
            ("last", "first", first.is_some() && last.is_some()),
            ("before", "after", after.is_some() && before.is_some()),
            ("before", "first", first.is_some() && before.is_some()),
            ("after", "last", last.is_some() && after.is_some()),
        ] {
            if clash {
                problems.push(Problem::new(
                    [one],
                    ProblemCode::InvalidFormat,
                    format!("`{one}` and `{other}` can't be used together: page forwards with `first` and `after`, or backwards with `last` and `before`"),
                ));
            }
        }
        let fingerprint = fingerprint::of(scope);
        let mut start = None;
        for (name, cursor) in [("after", after), ("before", before)] {
            let Some(cursor) = cursor else { continue };
            match Cursor::decode(cursor) {
                // A position from a differently ordered list would skip or repeat rows.
                Some(cursor) if cursor.fingerprint == fingerprint => {
                    start = Some((cursor.key, cursor.id));
                }
                Some(_) => problems.push(Problem::new(
                    [name],
                    ProblemCode::InvalidFormat,
                    "the cursor comes from a list with another filter or order",
                )),
                None => problems.push(Problem::new(
                    [name],
                    ProblemCode::InvalidFormat,
                    "this is no cursor of this server",
                )),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let backwards = last.is_some() || before.is_some();
        let size = if backwards { last } else { first };
        let size = size.unwrap_or(arguments.default_size());
        Ok(Self {
            size: u64::try_from(size).expect("checked to be within 0 and the maximum"),
            backwards,
            start,
            fingerprint,
            may_be_cut: false,
        })
    }

    /// Allows the page to have fewer rows when the answer has no room, for an answer that says whether more follow.
    pub fn cut_if(self, may_be_cut: bool) -> Self {
        Self { may_be_cut, ..self }
    }

    /// Says whether the page is read from its end: `last` or `before` was given.
    pub fn is_backwards(&self) -> bool {
        self.backwards
    }

    pub(super) fn may_be_cut(&self) -> bool {
        self.may_be_cut
    }

    /// Returns the nth row in the direction of reading.
    pub(super) fn nth<'a, M>(&self, rows: &'a [M], n: usize) -> Option<&'a M> {
        match self.backwards {
            true => rows.iter().rev().nth(n),
            false => rows.get(n),
        }
    }

    /// Cuts the page after this many rows, in the direction of reading.
    pub(super) fn cut<M>(&self, slice: &mut PageRows<M>, length: usize) {
        let Some(cut) = slice.rows.len().checked_sub(length).filter(|cut| *cut > 0) else {
            return;
        };
        if self.backwards {
            slice.rows.drain(..cut);
            slice.cursors.drain(..cut);
            slice.has_previous = true;
        } else {
            slice.rows.truncate(length);
            slice.cursors.truncate(length);
            slice.has_next = true;
        }
    }

    /// Selects a row more than the page holds: the additional row says whether more follow.
    fn cut_out<E: EntityTrait>(
        &self,
        select: Select<E>,
        columns: Columns<E::Column>,
    ) -> SelectStatement {
        let mut query = select.into_query();
        if let Some((start_key, id)) = self.start {
            let is_descending = self.is_descending(columns.descending);
            let start_key = match start_key {
                SortKey::Id => None,
                SortKey::Instant(at) => Some(Expr::value(at)),
                SortKey::Number(number) => Some(Expr::value(number)),
            };
            let own = Expr::col(columns.id.as_column_ref());
            let (row, start) = match columns.key.expression().zip(start_key) {
                Some((key, start_key)) => {
                    if matches!(columns.key, Key::Number(_)) {
                        // SQLite starts within an index on expressions only for a bound on the expression itself, not
                        // for a row value: https://www.sqlite.org/rowvalue.html
                        query.and_where(if is_descending {
                            key.clone().lte(start_key.clone())
                        } else {
                            key.clone().gte(start_key.clone())
                        });
                    }
                    // Compares key and id as a row value, so that equal keys continue at the right id:
                    // https://www.postgresql.org/docs/current/functions-comparisons.html#ROW-WISE-COMPARISON
                    let start = Expr::tuple([start_key, Expr::value(id)]);
                    (Expr::tuple([key, own]), start)
                }
                None => (own, Expr::value(id)),
            };
            query.and_where(if is_descending {
                row.lt(start)
            } else {
                row.gt(start)
            });
        }
        self.sort(&mut query, columns);
        query.limit(self.size + 1);
        query
    }

    /// Cuts the page out of a select of ids, for lists in the order of ids: restricts the ids to those behind the cursor
    /// and takes one more than the page holds, so that the rows of these ids contain the page and the row that follows.
    pub fn cut_ids(&self, ids: &mut SelectStatement, id: Expr, descending: bool) {
        if let Some((_, start)) = self.start {
            ids.and_where(match self.is_descending(descending) {
                true => id.clone().lt(start),
                false => id.clone().gt(start),
            });
        }
        ids.order_by_expr(id, self.direction(descending))
            .limit(self.size + 1);
    }

    fn sort<C: ColumnTrait>(&self, query: &mut SelectStatement, columns: Columns<C>) {
        let order = self.direction(columns.descending);
        if let Some(key) = columns.key.expression() {
            query.order_by_expr(key, order.clone());
        }
        query.order_by(columns.id.as_column_ref(), order);
    }

    fn direction(&self, descending: bool) -> Order {
        if self.is_descending(descending) {
            Order::Desc
        } else {
            Order::Asc
        }
    }

    fn is_descending(&self, descending: bool) -> bool {
        descending != self.backwards
    }

    fn slice<E: EntityTrait>(
        &self,
        mut rows: Vec<Weighed<E::Model>>,
        columns: Columns<E::Column>,
    ) -> PageRows<Weighed<E::Model>> {
        let more = rows.len() as u64 > self.size;
        rows.truncate(usize::try_from(self.size).expect("a page size fits"));
        // Reads backwards from the cursor; the answer keeps the list's order.
        if self.backwards {
            rows.reverse();
        }
        // A cursor proves that a row lies on the near side, without a further statement.
        let behind_start = self.start.is_some();
        let (has_next, has_previous) = if self.backwards {
            (behind_start, more)
        } else {
            (more, behind_start)
        };
        let cursors = rows
            .iter()
            .map(|Weighed { row, .. }| Cursor {
                fingerprint: self.fingerprint,
                key: sort_key::<E>(row, columns.key),
                id: number(&row.get(columns.id)),
            })
            .collect();
        PageRows {
            rows,
            has_next,
            has_previous,
            cursors,
        }
    }
}

fn sort_key<E: EntityTrait>(row: &E::Model, key: Key<E::Column>) -> SortKey {
    let column = match key {
        Key::Id => return SortKey::Id,
        Key::Instant(column) | Key::Number(column) => column,
    };
    match row.get(column) {
        Value::ChronoDateTimeUtc(Some(at)) => SortKey::Instant(at),
        // -1 sorts before all numbers, as in the index expression.
        Value::Double(number) => SortKey::Number(number.unwrap_or(-1.0)),
        _ => SortKey::Id,
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::BigInt(Some(id)) => *id,
        Value::Int(Some(id)) => (*id).into(),
        _ => 0,
    }
}
