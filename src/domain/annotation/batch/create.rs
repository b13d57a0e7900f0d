//! `createAnnotations`.

use std::collections::{HashMap, HashSet};

use entity::{annotation, task};
use sea_orm::DatabaseTransaction;

use super::{
    super::{
        create::{New, check_input, decide},
        facts::{Facts, PendingCreate},
        lock,
        plan::Plan,
    },
    CHUNK, ErrorPolicy, Outcomes, Progress, is_fatal, repeated, with_problem, without_result,
};
use crate::{
    app::App,
    domain::{access::Actor, task as tasks},
    error::{Error, Result},
};

/// Creates annotations of tasks, each as a single one would be. Answers with rows without results.
pub async fn create(
    app: &App,
    actor: &Actor,
    items: Vec<(i64, New)>,
    policy: ErrorPolicy,
) -> Result<Outcomes<annotation::Model>> {
    let mut progress = Progress::new(policy, items.len())?;
    let mut named = HashSet::new();
    let mut sound = Vec::new();
    for (index, (task_id, new)) in items.into_iter().enumerate() {
        let is_first = new.unique_id.is_none_or(|id| named.insert(id));
        let repeated = (!is_first).then(|| repeated(&["input", "uniqueId"], "unique id"));
        match with_problem(check_input(&new), repeated) {
            Ok(region_count) => sound.push((index, task_id, new, region_count)),
            Err(error) => progress.record(index, Err(error)),
        }
    }
    if sound.is_empty() {
        return progress.conclude(None).await;
    }
    let txn = app.db.begin().await?;
    // So that two who name the same ids don't wait for each other in a circle.
    let unique_ids = sound.iter().filter_map(|(_, _, new, _)| new.unique_id);
    lock::lock_unique_ids(&txn, unique_ids).await?;
    let ids: Vec<i64> = sound.iter().map(|(_, task_id, ..)| *task_id).collect();
    let places = tasks::lock(&txn, tasks::visible_ids(actor, &ids)).await?;
    let places: HashMap<i64, task::Model> =
        places.into_iter().map(|task| (task.id, task)).collect();
    let mut sound = sound.into_iter();
    loop {
        let mut indexes = Vec::new();
        let mut pendings = Vec::new();
        for (index, task_id, new, region_count) in sound.by_ref().take(CHUNK) {
            let Some(task) = places.get(&task_id).cloned() else {
                progress.record(index, Err(Error::NotFound("task")));
                continue;
            };
            indexes.push(index);
            pendings.push(PendingCreate {
                task,
                new,
                region_count,
            });
        }
        if indexes.is_empty() && sound.len() == 0 {
            return progress.conclude(Some(txn)).await;
        }
        if let Err(error) = create_some(app, &txn, actor, indexes, pendings, &mut progress).await {
            txn.rollback().await?;
            return Err(error);
        }
    }
}

async fn create_some(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    indexes: Vec<usize>,
    pendings: Vec<PendingCreate>,
    progress: &mut Progress<annotation::Model>,
) -> Result<()> {
    let (facts, ground_truths) = Facts::for_creates(app, txn, actor, &pendings).await?;
    let mut plan = Plan::new(actor, ground_truths, facts.configs());
    let mut planned = Vec::with_capacity(indexes.len());
    for (index, pending) in indexes.into_iter().zip(pendings) {
        match decide(actor, &facts, &mut plan, pending) {
            Ok(_) => planned.push(index),
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => progress.record(index, Err(error)),
        }
        tokio::task::yield_now().await;
    }
    // Items of this hundred may take the ground truth from those of one before.
    for row in progress.accepted() {
        if let Some(newer) = plan.row(row.id) {
            *row = without_result(newer.clone());
        }
    }
    let rows = plan.write(txn).await.map_err(|error| match error {
        // Somebody took a unique id meanwhile; nobody knows which. Looked at again, it can be told.
        Error::BadInput(_) => Error::busy(),
        error => error,
    })?;
    for (index, row) in planned.into_iter().zip(rows) {
        progress.record(index, Ok(without_result(row)));
    }
    Ok(())
}
