//! Reads rows with large columns, charged before loading (`docs/decisions/0020-memory-of-answers.md`).
//!
//! Small rows carry their large columns at once. For a larger row only the size is read, for which the database
//! touches no page of the text; after the size is charged, a further statement reads the whole row.

use std::{cmp::max, collections::HashMap, sync::Arc};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, IdenStatic,
    Iterable, ModelTrait, QueryFilter, QueryResult, QuerySelect, QueryTrait, Select, Value,
    sea_query::{Expr, Func, SelectStatement},
};

use super::page::{Page, PageRows};
use crate::{
    app::{App, budget::Reserve},
    db::is_any,
    error::{Error, Result},
};

/// Maximum size of the large columns that a row carries at once, in bytes.
const SMALL: u64 = 16 << 10;
/// Approximate bytes of a row without large columns.
const ROW: u64 = 512;
/// Rows per statement of a list without pages.
const AT_ONCE: u64 = 1_000;
/// Name of the column with the total bytes of a row's large columns.
pub const BYTES: &str = "bytes";

/// Table whose rows are read for answers.
pub trait Large: EntityTrait {
    const ID: Self::Column;
    /// Columns with texts whose size clients determine.
    const LARGE: &'static [Self::Column];
    /// Columns that no answer contains.
    const UNTOLD: &'static [Self::Column] = &[];

    /// Bytes of the texts that each row carries.
    fn texts(_: &Self::Model) -> usize {
        0
    }
}

/// Reader of rows for a single answer.
pub struct Reading<'a, E: Large> {
    app: &'a App,
    /// Rows visible to the actor.
    visible: Select<E>,
    /// Number of times that the answer holds the large columns; with zero these stay empty.
    times: u64,
}

/// Bytes that the rows of a statement may carry at once.
pub struct Small<'a> {
    reserve: Reserve<'a>,
    /// Limit of each row.
    each: u64,
}

/// Row with or without its large columns.
pub struct Weighed<M> {
    pub row: M,
    /// Bytes of the large columns left out, times the number of times that the answer holds these; 0 if present.
    missing: u64,
}

/// Completed row. After a failure to charge, the large columns may be empty.
struct Loaded<M> {
    row: M,
    failure: Option<Error>,
}

/// Row as returned by the database.
struct Raw<M> {
    row: M,
    bytes: u64,
}

impl<M: FromQueryResult> FromQueryResult for Raw<M> {
    fn from_query_result(result: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let bytes: i64 = result.try_get(prefix, BYTES)?;
        Ok(Self {
            row: M::from_query_result(result, prefix)?,
            bytes: bytes.unsigned_abs(),
        })
    }
}

impl<'a, E> Reading<'a, E>
where
    E: Large,
    E::Model: FromQueryResult + Send + Sync,
{
    /// Reads rows of `visible` for an answer that holds the large columns `times` times; with zero these stay empty.
    pub fn new(app: &'a App, visible: Select<E>, times: u64) -> Self {
        Self {
            app,
            visible,
            times,
        }
    }

    /// Connections for reads.
    pub fn db(&self) -> &'a impl ConnectionTrait {
        self.app.db.reader()
    }

    /// Reserves the bytes that this many rows may carry at once.
    pub fn small(&self, rows: u64) -> Small<'a> {
        let rows = max(rows, 1).saturating_mul(max(self.times, 1));
        let reserve = self.app.budget.reserve(rows.saturating_mul(SMALL));
        // A nearly spent budget lowers the limit per row, so that rows read at once never exceed the budget.
        let each = reserve.bytes() / rows;
        Small { reserve, each }
    }

    /// Adds the columns of a row, large columns for small rows alone.
    pub fn columns(&self, select: Select<E>, small: &Small<'_>) -> Select<E> {
        self.columns_up_to(select, small.each)
    }

    fn columns_up_to(&self, select: Select<E>, most: u64) -> Select<E> {
        let is_one = |column: &E::Column, of: &[E::Column]| {
            of.iter().any(|other| other.as_str() == column.as_str())
        };
        let plain = E::Column::iter().filter(|it| !is_one(it, E::LARGE) && !is_one(it, E::UNTOLD));
        let mut select = select.select_only().columns(plain);
        for column in E::UNTOLD {
            select = select.expr_as(Expr::val(None::<String>), column.as_str());
        }
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        for column in E::LARGE {
            let text = match self.times {
                0 => Expr::val(""),
                _ => {
                    let text = Expr::col((E::default(), *column));
                    Expr::case(bytes::<E>().lte(most), text).finally("").into()
                }
            };
            select = select.expr_as(text, column.as_str());
        }
        let bytes = match self.times {
            0 => Expr::val(0_i64),
            _ => bytes::<E>(),
        };
        select.expr_as(bytes, BYTES)
    }

    /// Runs a statement with these columns and charges the bytes of the rows.
    pub async fn rows(
        &self,
        statement: &SelectStatement,
        small: Small<'_>,
    ) -> Result<Vec<Weighed<E::Model>>> {
        let statement = self.db().get_database_backend().build(statement);
        let rows = Raw::<E::Model>::find_by_statement(statement)
            .all(self.db())
            .await?;
        let Small { reserve, each } = small;
        let mut charge = 0;
        let rows = rows.into_iter().map(|Raw { row, bytes }| {
            let bytes = bytes.saturating_mul(self.times);
            let is_there = bytes <= each.saturating_mul(self.times);
            charge += ROW + E::texts(&row) as u64 + if is_there { bytes } else { 0 };
            Weighed {
                row,
                missing: if is_there { 0 } else { bytes },
            }
        });
        let rows = rows.collect();
        drop(reserve);
        self.app.budget.charge(charge)?;
        Ok(rows)
    }

    /// Reads all rows of a select with a known maximum of rows, by key. Charges each row apart, so that a row too
    /// large for the answer fails alone.
    pub async fn few(
        &self,
        select: Select<E>,
        most: usize,
        key: impl Fn(&E::Model) -> i64,
    ) -> Result<HashMap<i64, Result<E::Model>>> {
        let small = self.small(most as u64);
        let statement = self.columns(select, &small).into_query();
        let rows = self.rows(&statement, small).await?;
        let rows = self.whole(rows).await?.into_iter();
        let rows = rows.map(|Loaded { row, failure }| {
            let key = key(&row);
            (key, failure.map_or(Ok(row), Err))
        });
        Ok(rows.collect())
    }

    /// Reads all rows of a select by parent, in the order of ids. A parent fails alone if a row is too large.
    pub async fn by_parent(
        &self,
        select: Select<E>,
        parents: &[i64],
        parent: impl Fn(&E::Model) -> Option<i64>,
    ) -> Result<HashMap<i64, Result<Vec<Arc<E::Model>>>>> {
        let empty = parents.iter().map(|id| (*id, Ok(Vec::new())));
        let mut by_parent: HashMap<i64, Result<Vec<_>>> = empty.collect();
        for Loaded { row, failure } in self.all(select).await? {
            let Some(rows) = parent(&row).and_then(|id| by_parent.get_mut(&id)) else {
                continue;
            };
            match (rows, failure) {
                (rows @ Ok(_), Some(failure)) => *rows = Err(failure),
                (Ok(rows), None) => rows.push(Arc::new(row)),
                (Err(_), _) => {}
            }
        }
        Ok(by_parent)
    }

    async fn all(&self, select: Select<E>) -> Result<Vec<Loaded<E::Model>>> {
        let mut all = Vec::new();
        let mut last = None;
        loop {
            let small = self.small(AT_ONCE);
            let mut statement = self.columns(select.clone(), &small).into_query();
            if let Some(id) = last {
                statement.and_where(E::ID.gt(id));
            }
            // Adding 0 hides the column from the index on ids, which would lead the planner through the whole table.
            let by_id = Expr::col((E::default(), E::ID)).add(0);
            statement.order_by_expr(by_id, sea_orm::Order::Asc);
            statement.limit(AT_ONCE);
            let rows = self.rows(&statement, small).await?;
            let is_last = (rows.len() as u64) < AT_ONCE;
            last = rows.last().map(|it| it.row.get(E::ID));
            all.extend(self.whole(rows).await?);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Completes the rows with their large columns. Leaves out rows deleted since.
    async fn whole(&self, rows: Vec<Weighed<E::Model>>) -> Result<Vec<Loaded<E::Model>>> {
        let mut failures: HashMap<i64, Error> = HashMap::new();
        for row in rows.iter().filter(|row| row.missing > 0) {
            if let Err(error) = self.app.budget.charge(row.missing) {
                failures.insert(id::<E>(&row.row), error);
            }
        }
        let is_charged = |row: &&Weighed<E::Model>| !failures.contains_key(&id::<E>(&row.row));
        let mut read = self.missing(rows.iter().filter(is_charged)).await?;
        let whole = rows.into_iter().filter_map(|row| {
            let failure = failures.remove(&id::<E>(&row.row));
            match failure {
                Some(_) => Some(Loaded {
                    row: row.row,
                    failure,
                }),
                None => filled::<E>(row, &mut read),
            }
        });
        Ok(whole.collect())
    }

    /// Completes pages with their large columns. With a nearly spent budget, cuts a page that may be cut, and fails a
    /// page that may not.
    pub async fn whole_pages(
        &self,
        page: &Page,
        mut slices: Vec<PageRows<Weighed<E::Model>>>,
    ) -> Result<Vec<Result<PageRows<E::Model>>>> {
        let mut failures = self.charge(page, &mut slices);
        let charged = slices.iter().zip(&failures);
        let charged = charged.filter(|(_, failure)| failure.is_none());
        let rows = charged.flat_map(|(slice, _)| &slice.rows);
        let mut read = self.missing(rows).await?;
        let slices = slices.into_iter().zip(&mut failures);
        let slices = slices.map(|(slice, failure)| {
            if let Some(failure) = failure.take() {
                return Err(failure);
            }
            let mut grown = None;
            let slice = slice.filter_map(|row| {
                let Loaded { row, failure } = filled::<E>(row, &mut read)?;
                grown = grown.take().or(failure);
                Some(row)
            });
            grown.map_or(Ok(slice), Err)
        });
        Ok(slices.collect())
    }

    /// Charges the missing columns of pages: all, or for pages that may be cut as many rows of each page as fit the
    /// budget. Returns the failure of each page, if any.
    fn charge(
        &self,
        page: &Page,
        slices: &mut [PageRows<Weighed<E::Model>>],
    ) -> Vec<Option<Error>> {
        let missing = |slice: &PageRows<Weighed<E::Model>>| -> u64 {
            slice.rows.iter().map(|row| row.missing).sum()
        };
        let budget = &self.app.budget;
        if !page.may_be_cut() {
            let charged = slices
                .iter()
                .map(|slice| budget.charge(missing(slice)).err());
            return charged.collect();
        }
        let mut failures: Vec<Option<Error>> = slices.iter().map(|_| None).collect();
        match budget.charge(slices.iter().map(missing).sum()) {
            Ok(()) => return failures,
            Err(Error::AnswerTooLarge { .. }) => {}
            Err(error) => return vec![Some(error); slices.len()],
        }
        // Charges row by row across all pages, so that each page keeps about the same number of rows.
        let longest = slices.iter().map(|slice| slice.rows.len()).max();
        for length in 0..longest.unwrap_or(0) {
            for index in 0..slices.len() {
                let row = page.nth(&slices[index].rows, length);
                let Some(row) = row.filter(|_| failures[index].is_none()) else {
                    continue;
                };
                match (length, row.missing) {
                    (_, 0) => {}
                    // Charges the first row in any case: an empty page has no cursor to continue from.
                    (0, missing) => failures[index] = budget.charge(missing).err(),
                    (_, missing) => match budget.charge_sparing(missing) {
                        Ok(()) => {}
                        Err(Error::AnswerTooLarge { .. }) => {
                            let (before, rest) = slices.split_at_mut(index);
                            before.iter_mut().for_each(|it| page.cut(it, length + 1));
                            rest.iter_mut().for_each(|it| page.cut(it, length));
                            return failures;
                        }
                        Err(error) => failures[index] = Some(error),
                    },
                }
            }
        }
        failures
    }

    /// Reads rows without large columns again, with all columns.
    async fn missing(
        &self,
        rows: impl Iterator<Item = &Weighed<E::Model>>,
    ) -> Result<HashMap<i64, Loaded<E::Model>>> {
        let missing = rows.filter(|row| row.missing > 0);
        let charged: HashMap<i64, u64> = missing.map(|it| (id::<E>(&it.row), it.missing)).collect();
        let ids: Vec<i64> = charged.keys().copied().collect();
        let mut read = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE as usize) {
            let backend = self.db().get_database_backend();
            let named = is_any(backend, E::ID, ids.iter().copied());
            let select = self.visible.clone().filter(named);
            let statement = self.columns_up_to(select, u64::MAX).into_query();
            let statement = self.db().get_database_backend().build(&statement);
            let rows = Raw::<E::Model>::find_by_statement(statement)
                .all(self.db())
                .await?;
            for Raw { row, bytes } in rows {
                let id = id::<E>(&row);
                // Charges the growth since the first read.
                let grown = bytes.saturating_mul(self.times);
                let grown = grown.saturating_sub(charged.get(&id).copied().unwrap_or(0));
                let failure = self.app.budget.charge(grown).err();
                read.insert(id, Loaded { row, failure });
            }
        }
        Ok(read)
    }
}

/// Completes a row.
fn filled<E: Large>(
    row: Weighed<E::Model>,
    read: &mut HashMap<i64, Loaded<E::Model>>,
) -> Option<Loaded<E::Model>> {
    match row.missing {
        0 => Some(Loaded {
            row: row.row,
            failure: None,
        }),
        _ => read.remove(&id::<E>(&row.row)),
    }
}

fn id<E: Large>(row: &E::Model) -> i64 {
    match row.get(E::ID) {
        Value::BigInt(Some(id)) => id,
        _ => 0,
    }
}

/// Computes the bytes of a row's large columns.
fn bytes<E: Large>() -> Expr {
    let lengths = E::LARGE.iter().map(|column| {
        let text = Expr::col((E::default(), *column));
        let length = Expr::expr(Func::cust("octet_length").arg(text));
        Expr::expr(Func::coalesce([length, Expr::cust("0")]))
    });
    let sum = lengths.reduce(|sum, length| sum.add(length));
    sum.map_or_else(
        || Expr::cust("CAST(0 AS bigint)"),
        |sum| sum.cast_as("bigint"),
    )
}
