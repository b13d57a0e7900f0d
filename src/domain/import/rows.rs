//! Many rows at once: ids that are ours before the rows are there, and inserts within the limits of both
//! databases.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use entity::annotation;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    DbBackend, EntityTrait, Iterable, QueryFilter, QuerySelect, Statement,
};
use uuid::Uuid;

use super::item;
use crate::{app::App, error::Result};

/// Values in one statement; SQLite takes 32,766, PostgreSQL 65,535.
const MAX_VALUES: usize = 30_000;
/// The key of the lock that batches of imports take: `impobatc`.
const LOCK: i64 = 0x696d_706f_6261_7463;

/// Ids that nobody else gets, in rising order.
pub struct Ids(std::vec::IntoIter<i64>);

impl Ids {
    pub fn take(&mut self) -> i64 {
        self.0.next().expect("one id was reserved for each row")
    }
}

/// Makes imports that run side by side write one after the other, so that none meets a unique key that
/// another has written but not committed. SQLite has one writer anyway.
pub async fn lock(txn: &DatabaseTransaction) -> Result<()> {
    if txn.get_database_backend() == DbBackend::Postgres {
        let lock = "SELECT pg_advisory_xact_lock($1)";
        let backend = DbBackend::Postgres;
        txn.query_one_raw(Statement::from_sql_and_values(backend, lock, [LOCK.into()]))
            .await?;
    }
    Ok(())
}

/// Leaves the database to others for a moment after a transaction that began at `since`.
///
/// Whoever waits for SQLite's write lock in another process asks for it at growing intervals; unless it
/// stays free for one of them, an import would keep everybody out to its end.
pub async fn make_way(app: &App, since: Instant) {
    if app.db.backend() == DbBackend::Sqlite {
        // The steps of sqlite3_busy_timeout: after so many milliseconds, it sleeps so many; and some to spare.
        let interval = match since.elapsed().as_millis() {
            0..125 => 30,
            125..225 => 55,
            _ => 105,
        };
        tokio::time::sleep(Duration::from_millis(interval)).await;
    }
}

/// Takes ids from the table's own numbering, so that rows can refer to each other before they are
/// inserted: the order of what a multi-row insert returns is promised by neither database.
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
            // The write lock is ours, and explicit ids move AUTOINCREMENT's counter along.
            let last = "SELECT seq FROM sqlite_sequence WHERE name = ?";
            let statement = Statement::from_sql_and_values(backend, last, [table.into()]);
            let last: i64 = match txn.query_one_raw(statement).await? {
                Some(row) => row.try_get("", "seq")?,
                None => 0,
            };
            (last + 1..).take(count).collect()
        }
    };
    ids.sort_unstable();
    Ok(Ids(ids.into_iter()))
}

/// Which unique ids of these tasks' annotations are in use.
pub async fn taken_unique_ids(
    txn: &DatabaseTransaction,
    tasks: &[item::Task],
) -> Result<HashSet<Uuid>> {
    let annotations = tasks.iter().flat_map(|task| &task.annotations);
    let wanted: Vec<Uuid> = annotations
        .filter_map(|annotation| annotation.unique_id)
        .collect();
    let mut taken = HashSet::new();
    for some in wanted.chunks(MAX_VALUES) {
        let found: Vec<Uuid> = annotation::Entity::find()
            .select_only()
            .column(annotation::Column::UniqueId)
            .filter(annotation::Column::UniqueId.is_in(some.iter().copied()))
            .into_tuple()
            .all(txn)
            .await?;
        taken.extend(found);
    }
    Ok(taken)
}

pub async fn insert<A>(txn: &DatabaseTransaction, mut rows: Vec<A>) -> Result<()>
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
