//! Reads pages: of a single list, of a list per parent, and of a list merged from several parts.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult, IdenStatic, Iterable, ModelTrait,
    QueryTrait, Select, Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType},
};

use super::{Columns, Page, PageRows};
use crate::{
    domain::large::{BYTES, Large, Reading, Weighed},
    error::Result,
};

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

    /// Reads the same page of a list per parent, in a fixed number of statements: a `UNION ALL` of small index scans
    /// costs as much as the pages, whatever the length of the lists. `select` yields the rows of a parent. A page too
    /// large for the answer fails alone.
    pub async fn fetch_per_parent<E>(
        &self,
        reading: &Reading<'_, E>,
        select: impl Fn(i64) -> Select<E>,
        columns: Columns<E::Column>,
        parent: E::Column,
        parents: &[i64],
    ) -> Result<HashMap<i64, Result<PageRows<E::Model>>>>
    where
        E: Large,
        E::Model: FromQueryResult + Send + Sync,
    {
        let Some(first) = parents.first() else {
            return Ok(HashMap::new());
        };
        let backend = reading.db().get_database_backend();
        // Builds a sample select, whose parameters bound the number of selects per statement.
        let one = {
            let small = reading.small(self.size + 1);
            self.cut_out(reading.columns(select(*first), &small), columns)
        };
        let at_once = at_once(backend, &one);
        let mut found = HashMap::with_capacity(parents.len());
        for parents in parents.chunks(at_once) {
            let small = reading.small((self.size + 1).saturating_mul(parents.len() as u64));
            let all = union(parents.iter().map(|id| {
                let one = self.cut_out(reading.columns(select(*id), &small), columns);
                // Wraps each page in a subquery: SQLite accepts no ORDER BY and LIMIT inside a compound select.
                // https://www.sqlite.org/lang_select.html#compound_select_statements
                Query::select()
                    .columns(E::Column::iter().map(|column| Alias::new(column.as_str())))
                    .column(BYTES)
                    .from_subquery(one, Alias::new("page"))
                    .take()
            }));
            let mut by_parent: HashMap<i64, Vec<_>> = HashMap::new();
            for row in reading.rows(&all, small).await? {
                let Value::BigInt(Some(id)) = row.row.get(parent) else {
                    continue;
                };
                by_parent.entry(id).or_default().push(row);
            }
            let slices = parents.iter().map(|id| {
                let rows = by_parent.remove(id).unwrap_or_default();
                self.slice::<E>(rows, columns)
            });
            let slices = reading.whole_pages(self, slices.collect()).await?;
            found.extend(parents.iter().copied().zip(slices));
        }
        Ok(found)
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
