//! Conditions on lists of ids, in statements whose texts do not follow the number of ids.
//!
//! Drivers and PostgreSQL remember prepared statements by text, sqlx 100 texts per connection. A text per number of
//! ids would push other statements out, and be prepared and planned anew.

use sea_orm::{
    ColumnTrait, DbBackend,
    sea_query::{Expr, extension::postgres::PgExpr},
};

/// Maximum length that a list is padded to. SQLite takes at most 32,766 parameters
/// (<https://www.sqlite.org/limits.html#max_variable_number>).
const LONGEST: usize = 1 << 14;

/// Matches the rows whose column is any of these ids. An empty list matches no row.
pub fn is_any(
    backend: DbBackend,
    column: impl ColumnTrait,
    ids: impl IntoIterator<Item = i64>,
) -> Expr {
    let mut ids: Vec<i64> = ids.into_iter().collect();
    match backend {
        // PostgreSQL plans a list at every execution, because it expects ten ids of an array whose length it does not
        // know; a single id is planned once
        // (https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES).
        DbBackend::Postgres => match ids.as_slice() {
            [id] => column.eq(*id),
            // Binds all ids as a single parameter.
            _ => Expr::col(column.as_column_ref()).eq_any(ids),
        },
        // Repeats the last id up to a power of two, so that a statement has 15 texts at most. A single text with
        // `json_each` would hide the number of ids: the planner then prefers the index of a project's rows to the
        // index on the ids.
        _ => {
            let padded = ids.len().next_power_of_two();
            if let Some(last) = ids.last().copied()
                && padded <= LONGEST
            {
                ids.resize(padded, last);
            }
            column.is_in(ids)
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::task;
    use sea_orm::{EntityTrait, QueryFilter, QuerySelect, QueryTrait, Statement, Value};

    use super::*;

    fn select(backend: DbBackend, ids: std::ops::Range<i64>) -> Statement {
        let tasks = task::Entity::find().select_only().column(task::Column::Id);
        let tasks = tasks.filter(is_any(backend, task::Column::Id, ids));
        tasks.build(backend)
    }

    fn texts(backend: DbBackend) -> usize {
        let texts = (1..=1_000).map(|count| select(backend, 0..count).sql);
        texts.collect::<std::collections::HashSet<_>>().len()
    }

    #[test]
    fn texts_do_not_follow_the_number_of_ids() {
        // One id, or any number of ids.
        assert_eq!(texts(DbBackend::Postgres), 2);
        // 1, 2, 4, … 1,024 parameters.
        assert_eq!(texts(DbBackend::Sqlite), 11);
        let sql = select(DbBackend::Postgres, 0..3).sql;
        assert!(sql.ends_with(r#"WHERE "task"."id" = ANY($1)"#), "{sql}");
    }

    #[test]
    fn padding_adds_no_id_and_stays_below_the_limit_of_parameters() {
        let values = |ids| select(DbBackend::Sqlite, ids).values.unwrap().0;
        let padded = values(5..8);
        assert_eq!(padded, [5_i64, 6, 7, 7].map(Value::from));
        assert_eq!(values(0..20_000).len(), 20_000);
    }

    #[test]
    fn no_ids_match_no_row() {
        let sql = select(DbBackend::Sqlite, 0..0).to_string();
        assert!(sql.ends_with("WHERE 1 = 2"), "{sql}");
    }
}
