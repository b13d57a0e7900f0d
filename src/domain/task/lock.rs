//! Locks on tasks, which writers of annotations and predictions take, and the rows that are read with the locks.

use std::collections::HashMap;

use entity::task::{self, Column};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, Iterable, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, IntoCondition, LockType, SelectStatement, UnionType},
};

use crate::{
    db::is_any,
    domain::access::{self, Actor},
    error::Result,
};

/// Says whether a column holds a text of any size, which locked rows leave out.
pub fn is_text(column: &Column) -> bool {
    matches!(column, Column::Data | Column::Meta | Column::Extra)
}

/// Leaves out the large columns: rows hold an empty text for `data`, and neither `meta` nor `extra`.
fn without_data(select: Select<task::Entity>) -> Select<task::Entity> {
    use Column::{Data, Extra, Meta};
    select
        .select_only()
        .columns(Column::iter().filter(|column| !is_text(column)))
        .expr_as(Expr::val(""), Data)
        .expr_as(Expr::val(None::<String>), Meta)
        .expr_as(Expr::val(None::<String>), Extra)
}

/// Selects the id of a task, if visible to the actor.
pub fn visible_id(actor: &Actor, id: i64) -> SelectStatement {
    visible_ids(actor, &[id])
}

/// Selects the ids of the tasks that are visible to the actor.
pub fn visible_ids(actor: &Actor, ids: &[i64]) -> SelectStatement {
    access::visible_tasks(actor)
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .into_query()
}

/// Locks the tasks whose ids a select yields, until the transaction ends, and reads the rows without data. Locks in
/// the order of ids, as all lockers of tasks do (`docs/decisions/0004-locks.md`).
pub async fn lock(txn: &DatabaseTransaction, named: SelectStatement) -> Result<Vec<task::Model>> {
    locked(txn, Column::Id.in_subquery(named)).await
}

/// Locks the tasks of several selects together, like [`lock`].
///
/// Reads the ids first. PostgreSQL evaluates a row again after waiting for its lock
/// (<https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED>), which would drop rows found
/// through a union.
pub async fn lock_all(
    txn: &DatabaseTransaction,
    mut named: SelectStatement,
    others: Option<SelectStatement>,
) -> Result<Vec<task::Model>> {
    if let Some(others) = others {
        // Uses `UNION ALL`: for an `OR`, PostgreSQL would read the whole table.
        named.union(UnionType::All, others);
    }
    let ids = txn.query_all(&named).await?;
    let ids = ids.iter().map(|row| row.try_get_by_index(0));
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    locked(txn, is_any(txn.get_database_backend(), Column::Id, ids)).await
}

async fn locked(txn: &DatabaseTransaction, which: impl IntoCondition) -> Result<Vec<task::Model>> {
    Ok(without_data(task::Entity::find())
        .filter(which)
        .order_by_asc(Column::Id)
        // `FOR NO KEY UPDATE` lets other transactions insert rows that refer to the task:
        // https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
        .lock(LockType::NoKeyUpdate)
        .all(txn)
        .await?)
}

/// Reads the data of tasks, which [`lock`] leaves out.
pub async fn data(db: &impl ConnectionTrait, ids: &[i64]) -> Result<HashMap<i64, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let data: Vec<(i64, String)> = task::Entity::find()
        .select_only()
        .columns([Column::Id, Column::Data])
        .filter(is_any(
            db.get_database_backend(),
            Column::Id,
            ids.iter().copied(),
        ))
        .into_tuple()
        .all(db)
        .await?;
    Ok(data.into_iter().collect())
}
