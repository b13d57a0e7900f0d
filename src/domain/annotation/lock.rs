//! Locks: begins the transaction of commands and locks the affected rows until its end.
//!
//! Each writer of annotations locks the tasks first, all at once and in the order of ids. Hence writers never
//! deadlock, and a task's counters are counted by a single writer at a time. Writers that move an annotation queue up
//! for the annotation before locking any task (`docs/decisions/0004-locks.md`).

use std::collections::{BTreeSet, HashMap, HashSet};

use entity::{
    annotation::{self, Column},
    annotation_revision::Event,
    task,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait,
    FromQueryResult, Iterable, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, Func},
};
use uuid::Uuid;

use crate::{
    app::App,
    db::{
        WriteTxn,
        advisory::{MOVES, UNIQUE_IDS},
    },
    domain::{
        access::{self, Actor},
        history, task as tasks,
    },
    error::{Error, Result},
};

/// Number of buckets of the advisory locks with two keys.
const BUCKETS: i64 = 64;
/// Attempts to lock annotations that parallel writers move, delete or restore.
const MAX_ATTEMPTS: usize = 4;

/// Rows to lock.
#[derive(Default)]
pub struct Wanted {
    /// Annotations, each with its task.
    pub annotations: Vec<i64>,
    /// Annotations among `annotations` that may be deleted and are to be restored.
    pub deleted: Vec<i64>,
    /// Annotations among `annotations` to read without their results, which nothing stores of a deleted annotation.
    pub without_result: HashSet<i64>,
    /// Tasks that annotations move to.
    pub targets: Vec<i64>,
    /// Tasks in which annotations are created.
    pub tasks: Vec<i64>,
    /// Unique ids of new annotations in a batch.
    pub unique_ids: Vec<Uuid>,
    /// A single command: its row is read with the locks. Rows of a batch are read chunk by chunk.
    pub is_single: bool,
}

/// Locked rows, unchanged by others until the transaction ends.
pub struct LockedRows {
    tasks: HashMap<i64, task::Model>,
    /// Rows of the wanted annotations; `None` for a batch.
    annotations: Option<HashMap<i64, annotation::Model>>,
    /// Annotations that are read without their results.
    without_result: HashSet<i64>,
    /// Bytes of the stored results of a batch, by annotation.
    stored_bytes: HashMap<i64, u64>,
    deleted: HashMap<i64, DeletedAnnotation>,
}

/// Annotation with its task, both locked.
pub struct Locked {
    pub task: task::Model,
    pub annotation: annotation::Model,
    /// Target of a move, or `None` when the actor sees no such task.
    pub target: Option<task::Model>,
    /// Versions that earlier commands of the same request added by taking the ground truth.
    pub version_bumps: i32,
}

impl Locked {
    /// The version before the request.
    pub fn version(&self) -> i32 {
        self.annotation.version - self.version_bumps
    }
}

/// Deleted annotation, which stays deleted until the transaction ends.
pub struct DeletedAnnotation {
    /// Former task, locked; absent if the task was deleted.
    pub task: Option<task::Model>,
    /// Version of the deletion.
    pub version: i32,
}

impl LockedRows {
    /// Returns a locked task, or nothing if the actor sees no such task.
    pub fn task(&self, id: i64) -> Option<&task::Model> {
        self.tasks.get(&id)
    }

    /// Takes out a deleted annotation.
    pub fn take_deleted(&mut self, id: i64) -> Option<DeletedAnnotation> {
        self.deleted.remove(&id)
    }

    /// Bytes of the stored result of an annotation: in a batch known before any result is read, and otherwise the bytes
    /// that were read with the row.
    pub fn stored_bytes(&self, id: i64) -> u64 {
        match &self.annotations {
            Some(rows) => rows.get(&id).map_or(0, |row| row.result.len() as u64),
            None => self.stored_bytes.get(&id).copied().unwrap_or_default(),
        }
    }

    /// Bytes of the result that [`take_annotations`](Self::take_annotations) returns with an annotation.
    pub fn taken_bytes(&self, id: i64) -> u64 {
        match self.without_result.contains(&id) {
            true => 0,
            false => self.stored_bytes(id),
        }
    }

    /// Takes out the rows of annotations. Rows of a batch are read now.
    pub async fn take_annotations(
        &mut self,
        txn: &DatabaseTransaction,
        actor: &Actor,
        ids: &[i64],
    ) -> Result<HashMap<i64, annotation::Model>> {
        match self.annotations.as_mut() {
            Some(rows) => Ok(ids.iter().filter_map(|id| rows.remove_entry(id)).collect()),
            None => read(txn, actor, ids, &self.without_result).await,
        }
    }

    /// Reads the results of locked annotations whose rows came without.
    pub async fn results(
        &self,
        txn: &DatabaseTransaction,
        ids: &[i64],
    ) -> Result<Vec<(i64, String)>> {
        let results = annotation::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Result])
            .filter(Column::Id.is_in(ids.iter().copied()));
        Ok(results.into_tuple().all(txn).await?)
    }

    /// Joins a row with its task and with the target of a move. Is `None` when the task is not locked: the actor did not
    /// see the annotation when the locks were taken.
    pub fn lock(&self, annotation: annotation::Model, target: Option<i64>) -> Option<Locked> {
        Some(Locked {
            task: self.tasks.get(&annotation.task_id)?.clone(),
            annotation,
            target: target.and_then(|id| self.tasks.get(&id)).cloned(),
            version_bumps: 0,
        })
    }
}

/// Begins a transaction with a lock on an annotation.
pub async fn begin_one(app: &App, actor: &Actor, id: i64) -> Result<(WriteTxn, Locked)> {
    let wanted = Wanted {
        annotations: vec![id],
        is_single: true,
        ..Wanted::default()
    };
    let (txn, mut rows) = begin(app, actor, &wanted).await?;
    let row = rows.take_annotations(&txn, actor, &[id]).await?.remove(&id);
    let locked = row.and_then(|row| rows.lock(row, None));
    Ok((txn, locked.ok_or(Error::NotFound("annotation"))?))
}

/// Begins a transaction with a lock on a task.
pub async fn begin_in_task(app: &App, actor: &Actor, id: i64) -> Result<(WriteTxn, task::Model)> {
    let wanted = Wanted {
        tasks: vec![id],
        ..Wanted::default()
    };
    let (txn, mut rows) = begin(app, actor, &wanted).await?;
    Ok((txn, rows.tasks.remove(&id).ok_or(Error::NotFound("task"))?))
}

/// Begins a transaction with locks on the wanted rows, if visible to the actor.
///
/// Starts again when an annotation changed its task during the wait, since a later lock would violate the order. The
/// repetition queues up with the movers of the annotations.
pub async fn begin(app: &App, actor: &Actor, wanted: &Wanted) -> Result<(WriteTxn, LockedRows)> {
    let mut must_queue = !wanted.targets.is_empty();
    let mut deleted_in = HashMap::new();
    for _ in 0..MAX_ATTEMPTS {
        let txn = app.db.begin().await?;
        if must_queue {
            lock_buckets(
                &txn,
                MOVES,
                wanted.annotations.iter().map(|id| id % BUCKETS),
            )
            .await?;
        }
        // Two batches with the same unique ids could deadlock on each other's inserts.
        let bucket = |id: &Uuid| i64::from(id.as_bytes()[15]) % BUCKETS;
        lock_buckets(&txn, UNIQUE_IDS, wanted.unique_ids.iter().map(bucket)).await?;
        match lock(&txn, actor, wanted, &mut deleted_in).await? {
            Attempt::Locked(rows) => return Ok((txn, *rows)),
            Attempt::Moved => must_queue = true,
            Attempt::Deleted => {}
        }
        // Releases all locks before the next attempt: locks held across attempts would violate the order.
        txn.rollback().await?;
    }
    Err(Error::busy())
}

/// Result of an attempt to lock.
enum Attempt {
    Locked(Box<LockedRows>),
    /// An annotation moved to a different task before its task was locked.
    Moved,
    /// An annotation to restore is deleted, and its task has to be locked with the other tasks.
    Deleted,
}

/// Locks the wanted rows. `deleted_in` holds the former tasks of deleted annotations that the last attempt found.
async fn lock(
    txn: &DatabaseTransaction,
    actor: &Actor,
    wanted: &Wanted,
    deleted_in: &mut HashMap<i64, i64>,
) -> Result<Attempt> {
    let tasks = lock_tasks(txn, actor, wanted, deleted_in).await?;
    let ids = &wanted.annotations;
    let annotations = match wanted.is_single {
        _ if ids.is_empty() => Some(HashMap::new()),
        // The whole row at once saves the statement that would ask for its task.
        true => Some(read(txn, actor, ids, &wanted.without_result).await?),
        false => None,
    };
    let mut stored_bytes = HashMap::new();
    let places: HashMap<i64, i64> = match &annotations {
        Some(rows) => rows.values().map(|row| (row.id, row.task_id)).collect(),
        None => {
            let places = read_tasks_and_sizes(txn, actor, ids).await?;
            stored_bytes = places.iter().map(|it| (it.id, it.bytes())).collect();
            places.iter().map(|it| (it.id, it.task_id)).collect()
        }
    };
    let known = std::mem::take(deleted_in);
    // An annotation that moved before the lock is in a task outside the locked tasks.
    if !places.values().all(|task_id| tasks.contains_key(task_id)) {
        return Ok(Attempt::Moved);
    }
    let mut deleted = HashMap::new();
    for id in wanted.deleted.iter().filter(|id| !places.contains_key(id)) {
        let Some(end) = history::newest(txn, actor, *id).await? else {
            continue;
        };
        deleted_in.insert(*id, end.task_id);
        // Without a lock on the task of this deletion, the annotation may have been restored and deleted again
        // elsewhere.
        if end.event == Event::Deleted && known.get(id) == Some(&end.task_id) {
            let task = tasks.get(&end.task_id).cloned();
            let version = end.version;
            deleted.insert(*id, DeletedAnnotation { task, version });
        }
    }
    if deleted.len() < deleted_in.len() {
        return Ok(Attempt::Deleted);
    }
    Ok(Attempt::Locked(Box::new(LockedRows {
        tasks,
        annotations,
        without_result: wanted.without_result.clone(),
        stored_bytes,
        deleted,
    })))
}

/// Locks the tasks of live annotations, and the tasks that commands name.
async fn lock_tasks(
    txn: &DatabaseTransaction,
    actor: &Actor,
    wanted: &Wanted,
    deleted_in: &HashMap<i64, i64>,
) -> Result<HashMap<i64, task::Model>> {
    let live = wanted.annotations.iter().copied();
    let live: Vec<i64> = live.filter(|id| !deleted_in.contains_key(id)).collect();
    let named = wanted.targets.iter().chain(&wanted.tasks);
    let named: Vec<i64> = named.chain(deleted_in.values()).copied().collect();
    let by_name = || tasks::visible_ids(actor, &named);
    let of_live = || {
        let rows = annotations(actor, &live).select_only();
        rows.column(Column::TaskId).into_query()
    };
    let tasks = match live.as_slice() {
        [] => tasks::lock(txn, by_name()).await?,
        // A single annotation needs no union, whose ids would take a further statement.
        [_] if named.is_empty() => tasks::lock(txn, of_live()).await?,
        _ => {
            let by_name = (!named.is_empty()).then(by_name);
            tasks::lock_all(txn, of_live(), by_name).await?
        }
    };
    Ok(tasks.into_iter().map(|task| (task.id, task)).collect())
}

fn annotations(actor: &Actor, ids: &[i64]) -> Select<annotation::Entity> {
    access::visible_annotations(actor).filter(Column::Id.is_in(ids.iter().copied()))
}

/// Reads whole rows, or rows with an empty result for the annotations `without_result`.
async fn read(
    txn: &DatabaseTransaction,
    actor: &Actor,
    ids: &[i64],
    without_result: &HashSet<i64>,
) -> Result<HashMap<i64, annotation::Model>> {
    let mut select = annotations(actor, ids);
    if !without_result.is_empty() {
        let whole = ids.iter().copied();
        let whole: Vec<i64> = whole.filter(|id| !without_result.contains(id)).collect();
        let result = match whole.is_empty() {
            true => Expr::val(""),
            false => {
                let is_whole = Expr::col((annotation::Entity, Column::Id)).is_in(whole);
                let result = Expr::col((annotation::Entity, Column::Result));
                Expr::case(is_whole, result).finally("").into()
            }
        };
        let others = Column::iter().filter(|column| !matches!(column, Column::Result));
        let columns = select.select_only().columns(others);
        select = columns.expr_as(result, Column::Result);
    }
    let rows = select.all(txn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Task of an annotation, and the size of its result.
#[derive(FromQueryResult)]
struct TaskAndSize {
    id: i64,
    task_id: i64,
    bytes: i64,
}

impl TaskAndSize {
    fn bytes(&self) -> u64 {
        self.bytes.unsigned_abs()
    }
}

/// Reads tasks and sizes, for which the database touches no page of the results.
async fn read_tasks_and_sizes(
    txn: &DatabaseTransaction,
    actor: &Actor,
    ids: &[i64],
) -> Result<Vec<TaskAndSize>> {
    let length = Func::cust("octet_length").arg(Expr::col((annotation::Entity, Column::Result)));
    let rows = annotations(actor, ids).select_only();
    let rows = rows
        .columns([Column::Id, Column::TaskId])
        .expr_as(Expr::expr(length).cast_as("bigint"), "bytes");
    Ok(rows.into_model().all(txn).await?)
}

/// Takes advisory locks on buckets of ids, which bounds the number of locks. Takes the locks in rising order, which
/// prevents deadlocks. SQLite has a single writer at a time and needs no such locks.
async fn lock_buckets(
    txn: &DatabaseTransaction,
    kind: i32,
    buckets: impl Iterator<Item = i64>,
) -> Result<()> {
    let backend = txn.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(());
    }
    let buckets: BTreeSet<i64> = buckets.collect();
    if buckets.is_empty() {
        return Ok(());
    }
    // The values are integers, so the statement needs no escaping.
    let values: Vec<String> = buckets.iter().map(|bucket| format!("({bucket})")).collect();
    let values = values.join(", ");
    let lock = format!(
        "SELECT pg_advisory_xact_lock({kind}, bucket) FROM (VALUES {values}) AS buckets(bucket)"
    );
    txn.execute_unprepared(&lock).await?;
    Ok(())
}
