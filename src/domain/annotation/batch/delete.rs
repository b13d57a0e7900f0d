//! `deleteAnnotations`.

use std::collections::{HashMap, HashSet};

use entity::{annotation, task};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter};

use super::{
    super::{
        delete::{Deleted, decide},
        facts::Facts,
        lock::{self, Locked},
        plan::{GroundTruthByTask, Plan},
    },
    CHUNK, ErrorPolicy, NOWHERE, Outcomes, Progress, is_fatal, repeated, without_result,
};
use crate::{
    app::App,
    domain::access::{self, Actor},
    error::{Error, Result},
};

/// An annotation to delete, and the version that it was seen at.
type Item = (i64, Option<i32>);

/// Deletes annotations, each as a single one would be. An annotation can be named once.
pub async fn delete(
    app: &App,
    actor: &Actor,
    items: Vec<Item>,
    policy: ErrorPolicy,
) -> Result<Outcomes<Deleted>> {
    let mut progress = Progress::new(policy, items.len())?;
    let mut named = HashSet::new();
    let mut sound = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        if item.0 == NOWHERE || named.insert(item.0) {
            sound.push((index, item));
        } else {
            progress.record(index, Err(repeated(&["id"], "annotation").into()));
        }
    }
    if sound.is_empty() {
        return progress.conclude(None).await;
    }
    let ids: Vec<i64> = sound.iter().map(|(_, (id, _))| *id).collect();
    let (txn, tasks) = lock::begin_all(app, actor, &ids, &[]).await?;
    for some in sound.chunks(CHUNK) {
        if let Err(error) = delete_some(&txn, actor, &tasks, some, &mut progress).await {
            txn.rollback().await?;
            return Err(error);
        }
    }
    progress.conclude(Some(txn)).await
}

async fn delete_some(
    txn: &DatabaseTransaction,
    actor: &Actor,
    tasks: &HashMap<i64, task::Model>,
    some: &[(usize, Item)],
    progress: &mut Progress<Deleted>,
) -> Result<()> {
    let ids = some.iter().map(|(_, (id, _))| *id);
    let rows = access::visible_annotations(actor)
        .filter(annotation::Column::Id.is_in(ids))
        .all(txn)
        .await?;
    let stale = |row: &&annotation::Model| {
        let expected = some.iter().find(|(_, (id, _))| *id == row.id);
        let expected = expected.and_then(|(_, (_, version))| *version);
        expected.is_some_and(|version| version != row.version)
    };
    let stale: Vec<_> = rows.iter().filter(stale).collect();
    let all: Vec<_> = rows.iter().collect();
    let facts = Facts::for_deletes(txn, actor, &all, &stale).await?;
    let mut rows: HashMap<i64, annotation::Model> =
        rows.into_iter().map(|row| (row.id, row)).collect();
    let mut plan = Plan::new(actor, GroundTruthByTask::new(), HashMap::new());
    for (index, (id, expected_version)) in some {
        let row = rows.remove(id);
        let found = row.and_then(|row| Some((tasks.get(&row.task_id)?, row)));
        let outcome = match found {
            None => Err(Error::NotFound("annotation")),
            Some((task, annotation)) => {
                let locked = Locked {
                    task: task.clone(),
                    annotation,
                    target: None,
                };
                decide(actor, &facts, &mut plan, locked, *expected_version).map(|deleted| Deleted {
                    row: without_result(deleted.row),
                })
            }
        };
        match outcome {
            Err(error) if is_fatal(&error) => return Err(error),
            outcome => progress.record(*index, outcome),
        }
    }
    plan.write(txn).await?;
    Ok(())
}
