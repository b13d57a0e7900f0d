//! Record of a running import. A lock that ends with the import's process distinguishes a running import from a dead
//! import.

use std::{
    fs::{File, TryLockError},
    io,
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use chrono::{DateTime, Utc};
use entity::{import_job, task};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    SqlxError,
    sea_query::Expr,
    sqlx::{self, Connection, PgConnection},
};

use super::{import_lock, people::Resolved};
use crate::{
    app::App,
    db::advisory,
    error::{Error, Result, Unavailable, unavailable},
};

/// Maximum number of rows per transaction of the bookkeeping.
pub const BATCH: u64 = 500;

/// Import under way. Its lock keeps other imports from the project until dropped.
pub struct Job {
    pub id: i64,
    pub project_id: i64,
    _lock: Lock,
}

/// Lock held while the import's process lives, however the process ends.
#[derive(Debug)]
enum Lock {
    File { path: PathBuf, _file: File },
    Session { _connection: PgConnection },
}

impl Job {
    /// Inserts the record of a new import. The lock is taken before the record is committed, so no process sees an
    /// unlocked record.
    pub async fn start(
        app: &App,
        txn: &DatabaseTransaction,
        project_id: i64,
        created_project: bool,
        people: &Resolved,
        at: DateTime<Utc>,
    ) -> Result<(Self, import_job::Model)> {
        let row = import_job::ActiveModel {
            project_id: Set(project_id),
            created_project: Set(created_project),
            created_users: Set(serde_json::to_string(&people.created_users)?),
            added_members: Set(serde_json::to_string(&people.added_members)?),
            started_at: Set(at),
            is_written: Set(false),
            ..Default::default()
        };
        let row = row.insert(txn).await?;
        let lock = Lock::take(app, row.id).await?.ok_or_else(Error::busy)?;
        let job = Self {
            id: row.id,
            project_id,
            _lock: lock,
        };
        Ok((job, row))
    }

    /// Takes over the job of a dead import, or `None` if the import is running or has ended since.
    pub async fn adopt(app: &App, id: i64) -> Result<Option<(Self, import_job::Model)>> {
        let Some(lock) = Lock::take(app, id).await? else {
            return Ok(None);
        };
        // Reads the record under the lock: the import may have ended between the caller's read and the lock.
        let row = import_job::Entity::find_by_id(id)
            .one(app.db.reader())
            .await?;
        let Some(row) = row else {
            lock.remove();
            return Ok(None);
        };
        let job = Self {
            id,
            project_id: row.project_id,
            _lock: lock,
        };
        Ok(Some((job, row)))
    }

    /// Marks the import as complete: from here on a dead process no longer rolls the import back.
    pub async fn mark_written(&self, app: &App) -> Result<()> {
        let row = import_job::ActiveModel {
            id: Unchanged(self.id),
            is_written: Set(true),
            ..Default::default()
        };
        let txn = app.db.begin().await?;
        row.update_without_returning(&*txn).await?;
        txn.commit().await
    }

    /// Unmarks the tasks, then deletes the record, in transactions of bounded size.
    pub async fn finish(self, app: &App) -> Result<()> {
        loop {
            let ids = self.some_tasks(app).await?;
            if ids.is_empty() {
                break;
            }
            let begun = Instant::now();
            let txn = app.db.begin().await?;
            // Locks before the update, which would otherwise lock rows in an arbitrary order.
            lock_tasks(&txn, ids.iter().copied()).await?;
            task::Entity::update_many()
                .col_expr(task::Column::ImportJobId, Expr::val(None::<i64>))
                .filter(task::Column::Id.is_in(ids))
                .exec(&txn)
                .await?;
            txn.commit().await?;
            import_lock::yield_to_writers(app, begun).await;
        }
        let txn = app.db.begin().await?;
        import_job::Entity::delete_by_id(self.id)
            .exec(&*txn)
            .await?;
        txn.commit().await?;
        self.end();
        Ok(())
    }

    /// Reads ids of tasks that are still marked as the job's, up to the size of a batch.
    pub async fn some_tasks(&self, app: &App) -> Result<Vec<i64>> {
        Ok(task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .filter(task::Column::ImportJobId.eq(self.id))
            .order_by_asc(task::Column::Id)
            .limit(BATCH)
            .into_tuple()
            .all(app.db.reader())
            .await?)
    }

    /// Releases the lock after the record is deleted.
    pub fn end(self) {
        self._lock.remove();
    }
}

/// Locks tasks in the order of ids, as all writers of annotations do, which prevents deadlocks
/// (`docs/decisions/0004-locks.md`).
pub async fn lock_tasks(
    txn: &DatabaseTransaction,
    ids: impl IntoIterator<Item = i64>,
) -> Result<()> {
    task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(task::Column::Id.is_in(ids))
        .order_by_asc(task::Column::Id)
        .lock_exclusive()
        .into_tuple::<i64>()
        .all(txn)
        .await?;
    Ok(())
}

impl Lock {
    /// Takes the lock, or `None` if a running import holds the lock.
    #[expect(
        clippy::disallowed_methods,
        reason = "reads options, and runs no statement"
    )]
    async fn take(app: &App, job_id: i64) -> Result<Option<Self>> {
        if app.db.backend() == DbBackend::Postgres {
            return Self::take_session(app, job_id).await;
        }
        // SQLite has no advisory locks, so a lock on a file beside the database serves. The operating system releases
        // the lock when the process ends.
        let pool = app.db.writer().get_sqlite_connection_pool();
        let options = pool.connect_options();
        let database = options
            .get_filename()
            .canonicalize()
            .map_err(file_failure)?;
        let mut name = database.into_os_string();
        name.push(format!(".import-{job_id}"));
        let path = PathBuf::from(name);
        // Never truncates or replaces the file: a second process has to lock the same inode.
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(file_failure)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self::File { path, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(file_failure(error)),
        }
    }

    /// Takes an advisory lock on a separate connection: PostgreSQL releases the lock when the session ends
    /// (<https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>).
    #[expect(
        clippy::disallowed_methods,
        reason = "reads options, and runs no statement"
    )]
    async fn take_session(app: &App, job_id: i64) -> Result<Option<Self>> {
        let options = app
            .db
            .writer()
            .get_postgres_connection_pool()
            .connect_options();
        let mut connection = PgConnection::connect_with(&options)
            .await
            .map_err(failure)?;
        let is_ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(advisory::import(job_id))
            .fetch_one(&mut connection)
            .await
            .map_err(failure)?;
        Ok(is_ours.then_some(Self::Session {
            _connection: connection,
        }))
    }

    /// Removes the lock file. Only called once the record is deleted: a free lock marks an import as dead.
    fn remove(self) {
        if let Self::File { path, .. } = &self
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "can't remove an import's lock file");
        }
    }
}

/// Maps a failure to create the lock file: a read-only or full disk is UNAVAILABLE, as for the database itself.
fn file_failure(error: io::Error) -> Error {
    match unavailable::file_reason(&error) {
        Some(reason) => Error::Unavailable(Unavailable::from(reason).because(error)),
        None => Error::Internal(Arc::new(error)),
    }
}

fn failure(error: SqlxError) -> Error {
    match unavailable::sqlx_reason(&error) {
        Some(reason) => Error::Unavailable(Unavailable::from(reason).because(error)),
        None => Error::Internal(Arc::new(error)),
    }
}
