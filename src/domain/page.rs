//! Keyset pages: the same cut through every list, forwards and backwards, alone or one per parent.

mod arguments;
mod cursor;
mod order;

use std::{collections::HashMap, fmt::Debug};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    ModelTrait, Order, QueryTrait, Select, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType},
};

use self::cursor::Place;
pub use self::{
    arguments::{Arguments, DEFAULT_SIZE, MAX_SIZE, NESTED_DEFAULT_SIZE},
    order::{Columns, Key, OrderKey, Ordering, or_less},
};
use super::filter::{Leaves, Tree};
use crate::error::{Problem, ProblemCode, Result};

/// A checked request for one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    size: u64,
    backwards: bool,
    /// The row to start behind, with its id.
    start: Option<(Place, i64)>,
    /// Stands for filter and order; a cursor of another one is refused.
    fingerprint: u32,
}

/// The rows of one page, in the list's order.
#[derive(Clone, Debug)]
pub struct Slice<M> {
    pub rows: Vec<M>,
    pub has_next: bool,
    pub has_previous: bool,
    /// In the order of `rows`.
    pub cursors: Vec<String>,
}

impl<M> Default for Slice<M> {
    fn default() -> Self {
        Self {
            rows: vec![],
            has_next: false,
            has_previous: false,
            cursors: vec![],
        }
    }
}

impl Page {
    /// Checks filter and arguments of a list: all that is wrong with either, at once.
    pub fn of<L: Leaves, K: Debug>(
        arguments: &Arguments,
        filter: &Tree<L>,
        order: Ordering<K>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = filter.check();
        match Self::new(arguments, &(filter, order)) {
            Ok(page) if problems.is_empty() => return Ok(page),
            Ok(_) => {}
            Err(others) => problems.extend(others),
        }
        Err(problems)
    }

    /// Checks the arguments of a list whose filter and order are `scope`.
    pub fn new(arguments: &Arguments, scope: &impl Debug) -> Result<Self, Vec<Problem>> {
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
        let fingerprint = cursor::fingerprint(scope);
        let mut start = None;
        for (name, cursor) in [("after", after), ("before", before)] {
            let Some(cursor) = cursor else { continue };
            match cursor::decode(cursor) {
                Some((made_for, place, id)) if made_for == fingerprint => start = Some((place, id)),
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
        })
    }

    /// The page of one list.
    pub async fn fetch<E>(
        &self,
        db: &impl ConnectionTrait,
        select: Select<E>,
        columns: Columns<E::Column>,
    ) -> Result<Slice<E::Model>>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        let rows = E::Model::find_by_statement(
            db.get_database_backend().build(&self.cut(select, columns)),
        )
        .all(db)
        .await?;
        Ok(self.slice::<E>(rows, columns))
    }

    /// The same page of one list per parent, in a fixed number of statements: a `UNION ALL` of small
    /// index scans, so that the cost follows the pages and not the lists behind them. `select` has the rows
    /// of one parent.
    pub async fn fetch_per_parent<E>(
        &self,
        db: &impl ConnectionTrait,
        select: impl Fn(i64) -> Select<E>,
        columns: Columns<E::Column>,
        parent: E::Column,
        parents: &[i64],
    ) -> Result<HashMap<i64, Slice<E::Model>>>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        let Some(first) = parents.first() else {
            return Ok(HashMap::new());
        };
        let one = self.cut(select(*first), columns);
        let at_once = at_once(db.get_database_backend(), &one);
        let mut by_parent: HashMap<i64, Vec<E::Model>> = HashMap::new();
        for parents in parents.chunks(at_once) {
            let all = union(parents.iter().map(|id| {
                Query::select()
                    .columns(E::Column::iter().map(|column| Alias::new(column.as_str())))
                    .from_subquery(self.cut(select(*id), columns), Alias::new("page"))
                    .take()
            }));
            let rows = E::Model::find_by_statement(db.get_database_backend().build(&all))
                .all(db)
                .await?;
            for row in rows {
                let Value::BigInt(Some(id)) = row.get(parent) else {
                    continue;
                };
                by_parent.entry(id).or_default().push(row);
            }
        }
        Ok(parents
            .iter()
            .map(|id| {
                let rows = by_parent.remove(id).unwrap_or_default();
                (*id, self.slice::<E>(rows, columns))
            })
            .collect())
    }

    /// The page of a list that is put together from parts, each of which an index has in the list's order:
    /// so many rows of each part are looked at, and no more, whatever lies behind them. `None` when there are
    /// more parts than one statement takes.
    ///
    /// `part` has the rows of one part, `whole` the columns of the page.
    pub async fn fetch_across<E>(
        &self,
        db: &impl ConnectionTrait,
        part: impl Fn(i64) -> Select<E>,
        whole: Select<E>,
        columns: Columns<E::Column>,
        parts: &[i64],
    ) -> Result<Option<Slice<E::Model>>>
    where
        E: EntityTrait,
        E::Model: Send + Sync,
    {
        let Some(first) = parts.first() else {
            return Ok(Some(Slice::default()));
        };
        let backend = db.get_database_backend();
        // Ids alone come from the parts: that much the indexes hold themselves.
        let ids = |id: i64| {
            let mut cut = self.cut(part(id), columns);
            cut.clear_selects()
                .expr_as(Expr::col(columns.id.as_column_ref()), "id");
            if let Some(key) = columns.key.expression() {
                cut.expr_as(key, "key");
            }
            let mut page = Query::select();
            page.column("id");
            if columns.key.expression().is_some() {
                page.column("key");
            }
            page.from_subquery(cut, "part").take()
        };
        if parts.len() > at_once(backend, &ids(*first)) {
            return Ok(None);
        }
        let order = self.direction(columns.descending);
        let mut page = Query::select()
            .column("id")
            .from_subquery(union(parts.iter().map(|id| ids(*id))), "parts")
            .take();
        if columns.key.expression().is_some() {
            page.order_by("key", order.clone());
        }
        page.order_by("id", order).limit(self.size + 1);
        let mut rows = whole.into_query();
        rows.and_where(Expr::col(columns.id.as_column_ref()).in_subquery(page));
        self.sort(&mut rows, columns);
        let rows = E::Model::find_by_statement(backend.build(&rows))
            .all(db)
            .await?;
        Ok(Some(self.slice::<E>(rows, columns)))
    }

    /// One row more than the page holds, read from its start in its direction.
    fn cut<E: EntityTrait>(
        &self,
        select: Select<E>,
        columns: Columns<E::Column>,
    ) -> SelectStatement {
        let mut query = select.into_query();
        if let Some((place, id)) = self.start {
            let downwards = self.is_downwards(columns.descending);
            let place = match place {
                Place::Id => None,
                Place::Instant(at) => Some(Expr::value(at)),
                Place::Number(number) => Some(Expr::value(number)),
            };
            let own = Expr::col(columns.id.as_column_ref());
            let (row, start) = match columns.key.expression().zip(place) {
                Some((key, place)) => {
                    if matches!(columns.key, Key::Number(_)) {
                        // For SQLite, which starts at no row of an index of expressions.
                        query.and_where(if downwards {
                            key.clone().lte(place.clone())
                        } else {
                            key.clone().gte(place.clone())
                        });
                    }
                    let start = Expr::tuple([place, Expr::value(id)]);
                    (Expr::tuple([key, own]), start)
                }
                None => (own, Expr::value(id)),
            };
            query.and_where(if downwards {
                row.lt(start)
            } else {
                row.gt(start)
            });
        }
        self.sort(&mut query, columns);
        query.limit(self.size + 1);
        query
    }

    fn sort<C: ColumnTrait>(&self, query: &mut SelectStatement, columns: Columns<C>) {
        let order = self.direction(columns.descending);
        if let Some(key) = columns.key.expression() {
            query.order_by_expr(key, order.clone());
        }
        query.order_by(columns.id.as_column_ref(), order);
    }

    fn direction(&self, descending: bool) -> Order {
        if self.is_downwards(descending) {
            Order::Desc
        } else {
            Order::Asc
        }
    }

    fn is_downwards(&self, descending: bool) -> bool {
        descending != self.backwards
    }

    fn slice<E: EntityTrait>(
        &self,
        mut rows: Vec<E::Model>,
        columns: Columns<E::Column>,
    ) -> Slice<E::Model> {
        let more = rows.len() as u64 > self.size;
        rows.truncate(usize::try_from(self.size).expect("a page size fits"));
        if self.backwards {
            rows.reverse();
        }
        let behind_start = self.start.is_some();
        let (has_next, has_previous) = if self.backwards {
            (behind_start, more)
        } else {
            (more, behind_start)
        };
        let cursors = rows
            .iter()
            .map(|row| {
                cursor::encode(
                    self.fingerprint,
                    place::<E>(row, columns.key),
                    number(&row.get(columns.id)),
                )
            })
            .collect();
        Slice {
            rows,
            has_next,
            has_previous,
            cursors,
        }
    }
}

/// How many selects of the size of this one go into one statement: SQLite joins at most 500, and takes
/// 32,766 parameters.
fn at_once(backend: DbBackend, one: &SelectStatement) -> usize {
    let parameters = backend.build(one).values.map_or(0, |values| values.0.len());
    (30_000 / (parameters + 1)).clamp(1, 400)
}

fn union(mut selects: impl Iterator<Item = SelectStatement>) -> SelectStatement {
    let mut all = selects.next().expect("there is one select at least");
    for select in selects {
        all.union(UnionType::All, select);
    }
    all
}

fn place<E: EntityTrait>(row: &E::Model, key: Key<E::Column>) -> Place {
    let column = match key {
        Key::Id => return Place::Id,
        Key::Instant(column) | Key::Number(column) => column,
    };
    match row.get(column) {
        Value::ChronoDateTimeUtc(Some(at)) => Place::Instant(at),
        Value::Double(number) => Place::Number(number.unwrap_or(-1.0)),
        _ => Place::Id,
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::BigInt(Some(id)) => *id,
        Value::Int(Some(id)) => (*id).into(),
        _ => 0,
    }
}
