//! Bulk inserts and updates within the limits of both databases, with ids reserved before the rows exist.

use futures_util::future::join;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable, ModelTrait, Statement, Value,
    sea_query::{ArrayType, Expr, ExprTrait, IntoIden, Query, TableRef, ValueTuple},
};

use crate::error::Result;

/// Maximum number of values per statement; SQLite takes 32,766
/// (<https://www.sqlite.org/limits.html#max_variable_number>), PostgreSQL 65,535
/// (<https://www.postgresql.org/docs/current/limits.html>).
pub const MAX_VALUES: usize = 30_000;
/// Number of rows from which the text of an insert no longer follows their number. Fewer rows repeat often enough for
/// a text of their own.
const MANY: usize = 32;
/// Number of rows up to which a list of values is a single statement; batches of requests have no more.
const SINGLE: usize = 1_000;
/// Maximum number of values of each of several lists: longer lists take longer to prepare, and no less time per row.
const MAX_LISTED: usize = 8_192;

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
            // Looks the sequence up once: beside `nextval`, PostgreSQL would look it up for each id.
            let next = "SELECT nextval(sequence) AS id FROM (\
                        SELECT pg_get_serial_sequence($1, 'id')::regclass AS sequence OFFSET 0\
                        ) AS named, generate_series(1, $2)";
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
    if let Some(columns) = columns_of_many(&rows) {
        let backend = txn.get_database_backend();
        let statements = Statements {
            backend,
            counts: counts(backend, rows.len(), columns.len()).into_iter(),
            columns,
            rows: rows.into_iter(),
        };
        return execute_all(txn, statements).await;
    }
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

/// Executes statements in order. Builds each while the database executes the one before.
async fn execute_all(
    txn: &DatabaseTransaction,
    mut statements: impl Iterator<Item = Statement>,
) -> Result<(), DbErr> {
    let mut next = statements.next();
    while let Some(statement) = next {
        // Polls the execution first, which hands the statement to the database.
        let (executed, following) =
            join(txn.execute_raw(statement), async { statements.next() }).await;
        executed?;
        next = following;
    }
    Ok(())
}

/// Column that all rows of an insert set.
struct Column<C> {
    column: C,
    /// Type of the value, null or not.
    kind: ArrayType,
    /// PostgreSQL's name of the type.
    kind_name: &'static str,
    is_nullable: bool,
}

/// Columns of at least [`MANY`] rows that set the same columns to values of known types. Other rows have no such columns.
fn columns_of_many<A: ActiveModelTrait>(
    rows: &[A],
) -> Option<Vec<Column<<A::Entity as EntityTrait>::Column>>> {
    let (first, others) = rows.split_first().filter(|_| rows.len() >= MANY)?;
    let all = || <A::Entity as EntityTrait>::Column::iter();
    let sets_alike =
        |row: &A| all().all(|column| row.is_not_set(column) == first.is_not_set(column));
    if !others.iter().all(sets_alike) {
        return None;
    }
    let set = all().filter(|column| !first.is_not_set(*column));
    let columns = set.map(|column| {
        let kind = first.get(column).into_value()?.array_type();
        Some(Column {
            column,
            kind_name: name_of(&kind)?,
            kind,
            is_nullable: column.def().is_null(),
        })
    });
    columns.collect()
}

/// PostgreSQL's name of a type that the tables have.
fn name_of(kind: &ArrayType) -> Option<&'static str> {
    Some(match kind {
        ArrayType::Bool => "boolean",
        ArrayType::Int => "integer",
        ArrayType::BigInt => "bigint",
        ArrayType::Double => "double precision",
        ArrayType::String => "text",
        ArrayType::ChronoDateTimeUtc => "timestamptz",
        ArrayType::Uuid => "uuid",
        _ => return None,
    })
}

/// Inserts of many rows, in statements of few texts: drivers and databases remember statements by their text, and
/// preparing thousands of parameters takes longer than executing them.
struct Statements<A: ActiveModelTrait> {
    backend: DbBackend,
    columns: Vec<Column<<A::Entity as EntityTrait>::Column>>,
    rows: std::vec::IntoIter<A>,
    /// Numbers of rows of the statements.
    counts: std::vec::IntoIter<usize>,
}

impl<A: ActiveModelTrait> Iterator for Statements<A> {
    type Item = Statement;

    fn next(&mut self) -> Option<Statement> {
        let count = self.counts.next()?;
        Some(match self.backend {
            DbBackend::Postgres => self.arrays(count),
            _ => self.values(count),
        })
    }
}

/// Numbers of rows of the statements that insert so many rows.
fn counts(backend: DbBackend, rows: usize, columns: usize) -> Vec<usize> {
    let has_arrays = backend == DbBackend::Postgres;
    if !has_arrays && rows <= SINGLE.min(MAX_VALUES / columns) {
        return vec![rows];
    }
    let most = match has_arrays {
        true => MAX_VALUES / columns,
        false => 1 << (MAX_LISTED / columns).ilog2(),
    };
    let mut counts = vec![most; rows / most];
    let mut rest = rows % most;
    while rest > 0 {
        // Lists have a text for each number of rows, so only powers of two occur; arrays have the same text for all.
        let count = if has_arrays { rest } else { 1 << rest.ilog2() };
        counts.push(count);
        rest -= count;
    }
    counts
}

impl<A: ActiveModelTrait> Statements<A> {
    /// Insert of a list of values per row.
    fn values(&mut self, count: usize) -> Statement {
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        let rows = vec![row.as_str(); count].join(", ");
        let sql = format!("{} VALUES {rows}", self.insert_into());
        let mut values = Vec::with_capacity(count * self.columns.len());
        for mut row in self.rows.by_ref().take(count) {
            let taken = self.columns.iter().map(|column| value(&mut row, column));
            values.extend(taken);
        }
        Statement::from_sql_and_values(self.backend, sql, values)
    }

    /// Insert of a parameter per column, an array of its values in all rows.
    ///
    /// Arrays hold no nulls, so a nullable column has a second array that says which values are there.
    fn arrays(&mut self, count: usize) -> Statement {
        let mut arrays: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
        arrays.resize_with(self.columns.len(), Default::default);
        for mut row in self.rows.by_ref().take(count) {
            for (column, (values, are_there)) in self.columns.iter().zip(&mut arrays) {
                let value = value(&mut row, column);
                let is_there = value.is_some();
                if column.is_nullable {
                    are_there.push(is_there.into());
                }
                values.push(match is_there {
                    true => value,
                    false => value.dummy_value(),
                });
            }
        }
        let (mut selected, mut parameters, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut bind = |kind: ArrayType, name: &str, array: Vec<Value>| {
            values.push(Value::Array(kind, Some(Box::new(array))));
            parameters.push(format!("${}::{name}[]", values.len()));
            format!("c{}", values.len())
        };
        for (column, (array, are_there)) in self.columns.iter().zip(arrays) {
            let name = bind(column.kind.clone(), column.kind_name, array);
            selected.push(match column.is_nullable {
                true => {
                    let is_there = bind(ArrayType::Bool, "boolean", are_there);
                    format!("CASE WHEN {is_there} THEN {name} END")
                }
                false => name,
            });
        }
        let names: Vec<String> = (1..=values.len()).map(|nth| format!("c{nth}")).collect();
        let sql = format!(
            "{} SELECT {} FROM unnest({}) AS new ({})",
            self.insert_into(),
            selected.join(", "),
            parameters.join(", "),
            names.join(", ")
        );
        Statement::from_sql_and_values(self.backend, sql, values)
    }

    fn insert_into(&self) -> String {
        let names = self.columns.iter().map(|column| column.column.as_str());
        let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        let table = A::Entity::default();
        format!(
            "INSERT INTO \"{}\" ({})",
            table.table_name(),
            names.join(", ")
        )
    }
}

/// Takes a value out of a row.
fn value<A: ActiveModelTrait>(
    row: &mut A,
    column: &Column<<A::Entity as EntityTrait>::Column>,
) -> Value {
    let value = row.take(column.column).into_value();
    value.expect("all rows set the same columns")
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use entity::annotation_answer::ActiveModel;
    use sea_orm::ActiveValue::Set;

    use super::*;

    fn row(number: usize) -> ActiveModel {
        ActiveModel {
            annotation_id: Set(number as i64),
            digest: Set(7),
            from_name: Set("choice".to_owned()),
            folded: Set(number.is_multiple_of(2).then(|| number.to_string())),
        }
    }

    fn statements(backend: DbBackend, count: usize) -> Vec<Statement> {
        let rows: Vec<_> = (0..count).map(row).collect();
        let columns = columns_of_many(&rows).unwrap();
        let statements = Statements {
            backend,
            counts: counts(backend, rows.len(), columns.len()).into_iter(),
            columns,
            rows: rows.into_iter(),
        };
        statements.collect()
    }

    #[test]
    fn texts_of_large_inserts_are_few() {
        for (backend, texts) in [(DbBackend::Sqlite, 12), (DbBackend::Postgres, 1)] {
            let many = (5_000..6_000).flat_map(|count| statements(backend, count));
            let many: HashSet<String> = many.map(|statement| statement.sql).collect();
            assert_eq!(many.len(), texts);
        }
    }

    #[test]
    fn every_row_is_inserted_once_and_in_order() {
        for count in [MANY, 2_048, 2_049, 5_000] {
            let statements = statements(DbBackend::Sqlite, count);
            let values = statements
                .into_iter()
                .flat_map(|some| some.values.unwrap().0);
            let ids: Vec<Value> = values.step_by(4).collect();
            let expected: Vec<Value> = (0..count as i64).map(Value::from).collect();
            assert_eq!(ids, expected);
        }
    }

    #[test]
    fn arrays_hold_no_nulls() {
        let statement = statements(DbBackend::Postgres, MANY).remove(0);
        assert_eq!(
            statement.sql,
            "INSERT INTO \"annotation_answer\" (\"annotation_id\", \"digest\", \"from_name\", \"folded\") \
             SELECT c1, c2, c3, CASE WHEN c5 THEN c4 END FROM unnest($1::bigint[], $2::bigint[], $3::text[], \
             $4::text[], $5::boolean[]) AS new (c1, c2, c3, c4, c5)"
        );
        let array = |nth: usize| match &statement.values.as_ref().unwrap().0[nth] {
            Value::Array(_, Some(values)) => values[..2].to_vec(),
            other => panic!("unexpected {other:?}"),
        };
        assert_eq!(array(3), ["0".into(), "".into()]);
        assert_eq!(array(4), [true.into(), false.into()]);
    }

    #[test]
    fn few_rows_and_rows_of_different_columns_have_texts_of_their_own() {
        let mut rows: Vec<_> = (0..MANY).map(row).collect();
        assert!(columns_of_many(&rows).is_some());
        rows[3].folded = sea_orm::ActiveValue::NotSet;
        assert!(columns_of_many(&rows).is_none());
        assert!(columns_of_many(&rows[..3]).is_none());
    }
}
