//! Reads pages: of a single list, of a list per parent, and of a list merged from several parts.

use std::{cmp::Ordering, collections::HashMap};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult, IdenStatic, Iterable, JoinType,
    ModelTrait, QueryTrait, Select, Value,
    sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement, UnionType},
};

use super::{Columns, Page, PageRows, number, sort_key};
use crate::{
    domain::large::{BYTES, Large, Reading, Small, Weighed},
    error::Result,
};

/// Maximum number of parents per statement: the rows of a statement share the bytes that they may carry at once.
const PARENTS: usize = 400;

impl Page {
    /// Reads the page of a single list.
    pub async fn fetch<E>(
        &self,
        reading: &Reading<'_, E>,
        select: Select<E>,
        columns: Columns<E::Column>,
    ) -> Result<PageRows<E::Model>>
    where
        E: Large,
        E::Model: FromQueryResult + Send + Sync,
    {
        let small = reading.small(self.size + 1);
        let statement = self.cut_out(reading.columns(select, &small), columns);
        let rows = reading.rows(&statement, small).await?;
        self.whole(reading, self.slice::<E>(rows, columns)).await
    }

    /// Reads the same page of a list per parent, in a fixed number of statements that cost as much as the pages,
    /// whatever the length of the lists. `select` yields the rows of a parent, given as an expression. A page too
    /// large for the answer fails alone.
    pub async fn fetch_per_parent<E>(
        &self,
        reading: &Reading<'_, E>,
        select: impl Fn(Expr) -> Select<E>,
        columns: Columns<E::Column>,
        parent: E::Column,
        parents: &[i64],
    ) -> Result<HashMap<i64, Result<PageRows<E::Model>>>>
    where
        E: Large,
        E::Model: FromQueryResult + Send + Sync,
    {
        let mut found = HashMap::with_capacity(parents.len());
        // The list of a single parent by itself: PostgreSQL plans a statement over few parents at every execution,
        // because it expects ten elements of an array whose length it does not know
        // (https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES).
        if let [parent] = parents {
            let page = self.fetch(reading, select(Expr::val(*parent)), columns);
            found.insert(*parent, page.await);
            return Ok(found);
        }
        for parents in parents.chunks(PARENTS) {
            let small = reading.small((self.size + 1).saturating_mul(parents.len() as u64));
            let pages = self.pages(reading, &select, columns, parents, &small);
            let mut by_parent: HashMap<i64, Vec<_>> = HashMap::new();
            for row in reading.rows(&pages, small).await? {
                let Value::BigInt(Some(id)) = row.row.get(parent) else {
                    continue;
                };
                by_parent.entry(id).or_default().push(row);
            }
            let slices = parents.iter().map(|id| {
                let mut rows = by_parent.remove(id).unwrap_or_default();
                self.sort_rows::<E>(&mut rows, columns);
                self.slice::<E>(rows, columns)
            });
            let slices = reading.whole_pages(self, slices.collect()).await?;
            found.extend(parents.iter().copied().zip(slices));
        }
        Ok(found)
    }

    /// Selects the page of each parent's list, without an order among the rows. The ids are a single parameter, so
    /// that the text is the same for any number of parents, and the driver's cache holds the prepared statement.
    fn pages<E>(
        &self,
        reading: &Reading<'_, E>,
        select: impl Fn(Expr) -> Select<E>,
        columns: Columns<E::Column>,
        parents: &[i64],
        small: &Small<'_>,
    ) -> SelectStatement
    where
        E: Large,
        E::Model: FromQueryResult + Send + Sync,
    {
        let ids: Vec<String> = parents.iter().map(i64::to_string).collect();
        let ids = ids.join(",");
        match reading.db().get_database_backend() {
            DbBackend::Sqlite => {
                // Selects ids in a correlated subquery, since SQLite has no LATERAL. The cross join fixes the order
                // of the loops, parents first: https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join
                let parent = Expr::col(("parent", "value"));
                let mut page = self.cut_out(select(parent), columns);
                page.clear_selects().expr(own_id::<E>());
                let mut rows = reading.columns(E::find(), small).into_query();
                rows.from_clear()
                    .from_function(Func::cust("json_each").arg(format!("[{ids}]")), "parent")
                    .cross_join(E::default().table_ref())
                    .and_where(own_id::<E>().in_subquery(page))
                    .take()
            }
            _ => {
                // Refers to the column of the function by the function's alias:
                // https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-TABLEFUNCTIONS
                let parent = Expr::col(("parent", "parent"));
                let page = self.cut_out(reading.columns(select(parent), small), columns);
                let ids = Expr::val(format!("{{{ids}}}")).cast_as("bigint[]");
                Query::select()
                    .columns(E::Column::iter().map(|it| ("page", Alias::new(it.as_str()))))
                    .column(("page", BYTES))
                    .from_function(Func::cust("unnest").arg(ids), "parent")
                    .join_lateral(
                        JoinType::InnerJoin,
                        page,
                        "page",
                        Expr::Constant(true.into()),
                    )
                    .take()
            }
        }
    }

    /// Sorts the rows of a list in the direction of reading.
    fn sort_rows<E: Large>(&self, rows: &mut [Weighed<E::Model>], columns: Columns<E::Column>) {
        let is_descending = self.is_descending(columns.descending);
        let position = |Weighed { row, .. }: &Weighed<E::Model>| {
            let id = number(&row.get(columns.id));
            (sort_key::<E>(row, columns.key), id)
        };
        rows.sort_by(|one, other| {
            let (one, other) = match is_descending {
                true => (position(other), position(one)),
                false => (position(one), position(other)),
            };
            // Compares equal zeros as equal, as both databases do; NaN is never stored.
            one.partial_cmp(&other).unwrap_or(Ordering::Equal)
        });
    }

    /// Reads the page of a list merged from parts, where an index holds each part in the list's order: reads at most
    /// a page of each part, whatever the length of the parts. Returns nothing when the parts exceed a statement's
    /// limits.
    ///
    /// `part` yields the rows of a part.
    pub async fn fetch_merged<E>(
        &self,
        reading: &Reading<'_, E>,
        part: impl Fn(i64) -> Select<E>,
        columns: Columns<E::Column>,
        parts: &[i64],
    ) -> Result<Option<PageRows<E::Model>>>
    where
        E: Large,
        E::Model: FromQueryResult + Send + Sync,
    {
        let Some(first) = parts.first() else {
            return Ok(Some(PageRows::default()));
        };
        let backend = reading.db().get_database_backend();
        // Reads ids and keys alone from the parts, which the indexes contain.
        let ids = |id: i64| {
            let mut cut = self.cut_out(part(id), columns);
            cut.clear_selects()
                .expr_as(Expr::col(columns.id.as_column_ref()), "id");
            if let Some(key) = columns.key.expression() {
                cut.expr_as(key, "key");
            }
            // Wraps each part in a subquery: SQLite accepts no ORDER BY and LIMIT inside a compound select.
            // https://www.sqlite.org/lang_select.html#compound_select_statements
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
        let small = reading.small(self.size + 1);
        let mut rows = reading.columns(E::find(), &small).into_query();
        rows.and_where(Expr::col(columns.id.as_column_ref()).in_subquery(page));
        self.sort(&mut rows, columns);
        let rows = reading.rows(&rows, small).await?;
        let slice = self.whole(reading, self.slice::<E>(rows, columns)).await?;
        Ok(Some(slice))
    }

    async fn whole<E>(
        &self,
        reading: &Reading<'_, E>,
        slice: PageRows<Weighed<E::Model>>,
    ) -> Result<PageRows<E::Model>>
    where
        E: Large,
        E::Model: FromQueryResult + Send + Sync,
    {
        let mut slices = reading.whole_pages(self, vec![slice]).await?;
        slices.pop().unwrap_or_else(|| Ok(PageRows::default()))
    }
}

/// Returns the id of a row as an expression.
fn own_id<E: Large>() -> Expr {
    Expr::col(E::ID.as_column_ref())
}

/// Computes how many selects of this size fit a statement: SQLite takes at most 500 terms of a compound select and
/// 32,766 parameters (<https://www.sqlite.org/limits.html>).
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
