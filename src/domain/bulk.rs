//! Bulk inserts and updates within the limits of both databases, with ids reserved before the rows exist.

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, Iterable, ModelTrait, Statement,
    sea_query::{Expr, ExprTrait, IntoIden, Query, TableRef, ValueTuple},
};

use crate::error::Result;

/// Maximum number of values per statement; SQLite takes 32,766
/// (<https://www.sqlite.org/limits.html#max_variable_number>), PostgreSQL 65,535
/// (<https://www.postgresql.org/docs/current/limits.html>).
pub const MAX_VALUES: usize = 30_000;

/// Reserved ids, in rising order.
pub struct Ids(std::vec::IntoIter<i64>);

impl Ids {
    /// Takes the next reserved id. Panics once all are taken: a row more than reserved is a bug.
    pub fn take(&mut self) -> i64 {
        self.0.next().expect("one id was reserved for each row")
    }
}

/// Reserves ids from the table's own numbering, so that rows can refer to each other before the insert. Neither
/// database promises the order in which a multi-row insert returns ids.
pub async fn reserve(txn: &DatabaseTransaction, table: &str, count: usize) -> Result<Ids> {
    if count == 0 {
        return Ok(Ids(Vec::new().into_iter()));
    }
    let backend = txn.get_database_backend();
    let mut ids: Vec<i64> = match backend {
        DbBackend::Postgres => {
            let next = "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id \
                        FROM generate_series(1, $2)";
            let values = [table.into(), (count as i64).into()];
            let rows = txn
                .query_all_raw(Statement::from_sql_and_values(backend, next, values))
                .await?;
            rows.iter()
                .map(|row| row.try_get("", "id"))
                .collect::<Result<_, _>>()?
        }
        _ => {
            // The transaction holds SQLite's only write lock, so no insert can take these ids. Explicit ids advance
            // AUTOINCREMENT's counter: https://www.sqlite.org/autoinc.html
            let last = "SELECT seq FROM sqlite_sequence WHERE name = ?";
            let statement = Statement::from_sql_and_values(backend, last, [table.into()]);
            let last: i64 = match txn.query_one_raw(statement).await? {
                Some(row) => row.try_get("", "seq")?,
                None => 0,
            };
            (last + 1..).take(count).collect()
        }
    };
    // PostgreSQL sequences hand out rising numbers, but the rows of a statement have no order of their own.
    ids.sort_unstable();
    Ok(Ids(ids.into_iter()))
}

/// Inserts rows whose ids are reserved.
pub async fn insert<A>(txn: &DatabaseTransaction, mut rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
{
    let columns = <A::Entity as EntityTrait>::Column::iter().count();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(MAX_VALUES / columns));
        A::Entity::insert_many(rows)
            .exec_without_returning(txn)
            .await?;
        rows = rest;
    }
    Ok(())
}

/// Updates columns of existing rows to the values of the given rows, matched by key.
pub async fn update<E>(
    txn: &DatabaseTransaction,
    key: E::Column,
    columns: &[E::Column],
    rows: &[&E::Model],
) -> Result<()>
where
    E: EntityTrait,
{
    let new = || "new".into_iden();
    // Both databases name the columns of a VALUES list `column1`, `column2` and so on:
    // https://www.postgresql.org/docs/current/sql-values.html
    let nth = |nth: usize| Expr::col((new(), format!("column{nth}").into_iden()));
    let key_and_columns = || std::iter::once(key).chain(columns.iter().copied());
    for rows in rows.chunks(MAX_VALUES / (columns.len() + 1)) {
        let values = rows.iter().map(|row| {
            let values = key_and_columns().map(|column| row.get(column));
            ValueTuple::Many(values.collect())
        });
        let set = columns.iter().enumerate();
        let update = Query::update()
            .table(E::default())
            .values(set.map(|(index, column)| (*column, nth(index + 2))))
            .from(TableRef::ValuesList(values.collect(), new()))
            .and_where(Expr::col((E::default(), key)).eq(nth(1)))
            .take();
        txn.execute(&update).await?;
    }
    Ok(())
}
