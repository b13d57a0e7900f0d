//! Locks: what a change of an annotation touches is its own until it is committed.

use std::collections::{BTreeSet, HashMap};

use entity::{
    annotation::{self, Column},
    annotation_revision::Event,
    task,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, QueryFilter, QuerySelect,
    QueryTrait,
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

/// An annotation and its task, both as they are and both ours until the transaction ends.
pub struct Locked {
    pub task: task::Model,
    pub annotation: annotation::Model,
    /// The task that the annotation is to move to; `None` when there is none that the actor sees.
    pub target: Option<task::Model>,
}

/// An annotation that is to be what it was.
pub enum RestoreTarget {
    Live(Box<Locked>),
    Deleted(DeletedTarget),
}

/// A deleted annotation, which stays deleted until the transaction ends.
pub struct DeletedTarget {
    /// The task that it was in, ours until the transaction ends; `None` once that task is gone.
    pub task: Option<task::Model>,
    /// The version of the deletion.
    pub version: i32,
}

/// Buckets of the advisory locks with two keys.
const BUCKETS: i64 = 64;
/// How often an annotation is looked for that others delete, restore or move meanwhile.
const MAX_ATTEMPTS: usize = 4;

/// Like [`begin`], for an annotation that may be deleted. Whoever restores one holds the task that it comes
/// back to, as everybody who writes in that task.
pub async fn begin_restore(app: &App, actor: &Actor, id: i64) -> Result<(WriteTxn, RestoreTarget)> {
    let mut failure = Error::busy();
    for _ in 0..MAX_ATTEMPTS {
        match begin(app, actor, id, None).await {
            Ok((txn, locked)) => return Ok((txn, RestoreTarget::Live(Box::new(locked)))),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let txn = app.db.begin().await?;
        let Some(end) = history::newest(&txn, actor, id).await? else {
            return Err(Error::NotFound("annotation"));
        };
        let named = tasks::visible_id(actor, end.task_id);
        let task = tasks::lock(&txn, named).await?.pop();
        // Others may have been there while we waited for the task.
        let visible = access::visible_annotations(actor).filter(Column::Id.eq(id));
        let annotation = visible.one(&*txn).await?;
        match (annotation, task) {
            (Some(annotation), Some(task)) if annotation.task_id == task.id => {
                let locked = Locked {
                    task,
                    annotation,
                    target: None,
                };
                return Ok((txn, RestoreTarget::Live(Box::new(locked))));
            }
            (Some(_), _) => failure = Error::busy(),
            (None, task) => {
                let newest = history::newest(&txn, actor, id).await?;
                let deleted = newest.filter(|newest| newest.event == Event::Deleted);
                failure = match deleted {
                    Some(newest) if newest.task_id == end.task_id => {
                        let version = newest.version;
                        return Ok((txn, RestoreTarget::Deleted(DeletedTarget { task, version })));
                    }
                    Some(_) => Error::busy(),
                    None => Error::NotFound("annotation"),
                };
            }
        }
        txn.rollback().await?;
    }
    Err(failure)
}

/// Begins a change of an annotation: nothing of what it touches changes until the transaction ends.
///
/// Every writer of annotations takes the locks of the tasks first, all at once and in the order of their
/// ids, so that two writers never wait for each other in a circle and a task's counters are counted by one
/// at a time. Whoever moves an annotation stands in line with those who move it too before they take any.
pub async fn begin(
    app: &App,
    actor: &Actor,
    id: i64,
    target: Option<i64>,
) -> Result<(WriteTxn, Locked)> {
    if target.is_none() {
        let txn = app.db.begin().await?;
        if let Some(locked) = lock(&txn, actor, id, target).await? {
            return Ok((txn, locked));
        }
        // It moved while we waited for the task that it was in. That lock has to go before another comes.
        txn.rollback().await?;
    }
    let txn = app.db.begin().await?;
    lock_moves(&txn, &[id]).await?;
    let locked = lock(&txn, actor, id, target).await?;
    Ok((txn, locked.ok_or_else(Error::busy)?))
}

/// Begins changes of many annotations, like [`begin`]: answers with the tasks that they are in and those that
/// they are to move to. An annotation whose task is not among them was not there, or not to be seen.
pub async fn begin_all(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    targets: &[i64],
) -> Result<(WriteTxn, HashMap<i64, task::Model>)> {
    if targets.is_empty() {
        let txn = app.db.begin().await?;
        if let Some(tasks) = lock_all(&txn, actor, ids, targets).await? {
            return Ok((txn, tasks));
        }
        txn.rollback().await?;
    }
    let txn = app.db.begin().await?;
    lock_moves(&txn, ids).await?;
    let tasks = lock_all(&txn, actor, ids, targets).await?;
    Ok((txn, tasks.ok_or_else(Error::busy)?))
}

/// `None` when one of the annotations moved to another task before the one that it was in became ours.
async fn lock_all(
    txn: &DatabaseTransaction,
    actor: &Actor,
    ids: &[i64],
    targets: &[i64],
) -> Result<Option<HashMap<i64, task::Model>>> {
    let own_tasks = || {
        access::visible_annotations(actor)
            .filter(Column::Id.is_in(ids.iter().copied()))
            .select_only()
            .column(Column::TaskId)
            .distinct()
    };
    let others = (!targets.is_empty()).then(|| tasks::visible_ids(actor, targets));
    let tasks = tasks::lock_all(txn, own_tasks().into_query(), others).await?;
    let tasks: HashMap<i64, task::Model> = tasks.into_iter().map(|task| (task.id, task)).collect();
    let own_tasks: Vec<i64> = own_tasks().into_tuple().all(txn).await?;
    let are_ours = own_tasks.iter().all(|id| tasks.contains_key(id));
    Ok(are_ours.then_some(tasks))
}

/// `None` when the annotation moved to another task before the one that it was in became ours.
async fn lock(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: i64,
    target: Option<i64>,
) -> Result<Option<Locked>> {
    let visible = || access::visible_annotations(actor).filter(Column::Id.eq(id));
    let own = visible().select_only().column(Column::TaskId).into_query();
    let tasks = match target.map(|id| tasks::visible_id(actor, id)) {
        None => tasks::lock(txn, own).await?,
        other => tasks::lock_all(txn, own, other).await?,
    };
    let annotation = visible().one(txn).await?;
    let annotation = annotation.ok_or(Error::NotFound("annotation"))?;
    let of = |id: i64| tasks.iter().find(|task| task.id == id).cloned();
    let Some(task) = of(annotation.task_id) else {
        return Ok(None);
    };
    Ok(Some(Locked {
        task,
        annotation,
        target: target.and_then(of),
    }))
}

/// Keeps the annotations in their tasks until the transaction ends.
async fn lock_moves(txn: &DatabaseTransaction, ids: &[i64]) -> Result<()> {
    lock_buckets(txn, MOVES, ids.iter().map(|id| id % BUCKETS)).await
}

/// Keeps other batches from taking these unique ids until the transaction ends.
pub async fn lock_unique_ids(
    txn: &DatabaseTransaction,
    ids: impl Iterator<Item = Uuid>,
) -> Result<()> {
    let bucket = |id: Uuid| i64::from(id.as_bytes()[15]) % BUCKETS;
    lock_buckets(txn, UNIQUE_IDS, ids.map(bucket)).await
}

/// Takes locks that stand for buckets of things, so that there are never many: in their order, so that nobody
/// waits in a circle. On SQLite a writer is alone anyway.
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
    let values: Vec<String> = buckets.iter().map(|bucket| format!("({bucket})")).collect();
    let values = values.join(", ");
    let lock = format!(
        "SELECT pg_advisory_xact_lock({kind}, bucket) FROM (VALUES {values}) AS buckets(bucket)"
    );
    txn.execute_unprepared(&lock).await?;
    Ok(())
}
