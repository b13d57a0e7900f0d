//! Locked rows of a group, read in a single statement.

use std::{collections::HashMap, sync::LazyLock};

use entity::{
    annotation::{self, Column},
    project::CheckMode,
    project_member::Role,
    task,
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult, Iden, Iterable,
    QueryResult, Statement, Value,
};

use super::{MAX_BYTES, queue::Job};
use crate::{domain::task as tasks, error::Result};

/// Annotation with its task, both locked, and the rows of other tables that a change depends on.
pub struct Row {
    pub task: task::Model,
    pub annotation: annotation::Model,
    pub check_mode: CheckMode,
    pub config_version: i32,
    /// Membership of the update's actor in the project, if any.
    pub membership: Option<Role>,
}

impl Row {
    fn read(row: &QueryResult) -> std::result::Result<Self, DbErr> {
        Ok(Self {
            task: task::Model::from_query_result(row, "t_")?,
            annotation: annotation::Model::from_query_result(row, "a_")?,
            check_mode: row.try_get("", "check_mode")?,
            config_version: row.try_get("", "config_version")?,
            membership: row.try_get("", "role")?,
        })
    }
}

/// Locks the annotations and tasks of updates, and reads the rows, by annotation.
///
/// Leaves out rows that others have locked: a group that waited would delay the updates of all its members. Leaves out
/// annotations with large results, and those that the actor does not see, which must not be locked. A transaction of its
/// own writes such an update.
pub async fn lock(txn: &DatabaseTransaction, jobs: &[Job]) -> Result<HashMap<i64, Row>> {
    let backend = txn.get_database_backend();
    let ids = jobs.iter().map(|job| job.annotation_id);
    let users = jobs.iter().map(|job| job.actor.id());
    let admins = jobs.iter().map(|job| job.actor.is_admin());
    let statement = match backend {
        DbBackend::Postgres => {
            let ids: Vec<i64> = ids.collect();
            let users: Vec<i64> = users.collect();
            let admins: Vec<bool> = admins.collect();
            let values: [Value; 3] = [ids.into(), users.into(), admins.into()];
            Statement::from_sql_and_values(backend, &*POSTGRES, values)
        }
        _ => {
            let jobs: Vec<(i64, (i64, bool))> = ids.zip(users.zip(admins)).collect();
            let jobs = serde_json::to_string(&jobs)?;
            Statement::from_sql_and_values(backend, &*SQLITE, [Value::from(jobs)])
        }
    };
    let rows = txn.query_all_raw(statement).await?;
    let rows = rows.iter().map(|row| {
        let row = Row::read(row)?;
        Ok((row.annotation.id, row))
    });
    Ok(rows.collect::<Result<_, DbErr>>()?)
}

/// Parts of the statement in which the databases differ.
struct Dialect {
    /// Table `job` with the annotation of each update, its user, and whether the user is an admin.
    jobs: &'static str,
    annotation_id: &'static str,
    user_id: &'static str,
    is_admin: &'static str,
    locks: &'static str,
}

/// The project's lock holds its config until the commit. The annotation is locked, too: PostgreSQL reads the newest
/// version of the rows that a statement locks, and of no other row
/// (<https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED>). No lock is waited for, so the
/// order of locks (`docs/decisions/0004-locks.md`) is kept without an order of the rows.
static POSTGRES: LazyLock<String> = LazyLock::new(|| {
    select(&Dialect {
        jobs: "unnest($1::bigint[], $2::bigint[], $3::boolean[]) \
        AS job(annotation_id, user_id, is_admin)",
        annotation_id: "job.annotation_id",
        user_id: "job.user_id",
        is_admin: "job.is_admin",
        locks: "FOR NO KEY UPDATE OF t, a SKIP LOCKED FOR KEY SHARE OF p SKIP LOCKED",
    })
});

/// The transaction holds SQLite's only write lock already.
static SQLITE: LazyLock<String> = LazyLock::new(|| {
    select(&Dialect {
        jobs: "json_each(?) AS job",
        annotation_id: "json_extract(job.value, '$[0]')",
        user_id: "json_extract(job.value, '$[1][0]')",
        is_admin: "json_extract(job.value, '$[1][1]')",
        locks: "",
    })
});

fn select(dialect: &Dialect) -> String {
    let annotation = Column::iter().map(|column| {
        let name = column.unquoted();
        format!("a.{name} AS a_{name}")
    });
    // Without the task's texts, which can have megabytes and of which a change depends on none.
    let task = task::Column::iter().map(|column| {
        let name = column.unquoted();
        match column {
            task::Column::Data => format!("'' AS t_{name}"),
            column if tasks::is_text(&column) => format!("NULL AS t_{name}"),
            _ => format!("t.{name} AS t_{name}"),
        }
    });
    let columns: Vec<String> = annotation.chain(task).collect();
    let Dialect {
        jobs,
        annotation_id,
        user_id,
        is_admin,
        locks,
    } = dialect;
    // `CROSS JOIN` fixes the order of the tables on SQLite (<https://www.sqlite.org/optoverview.html#crossjoin>).
    format!(
        "SELECT {columns}, p.check_mode, p.config_version, m.role \
         FROM {jobs} \
         CROSS JOIN annotation a \
         CROSS JOIN task t \
         CROSS JOIN project p \
         LEFT JOIN project_member m ON m.project_id = a.project_id AND m.user_id = {user_id} \
         WHERE a.id = {annotation_id} AND t.id = a.task_id AND p.id = a.project_id \
         AND ({is_admin} OR m.role IS NOT NULL) \
         AND octet_length(a.result) <= {MAX_BYTES} {locks}",
        columns = columns.join(", "),
    )
}
