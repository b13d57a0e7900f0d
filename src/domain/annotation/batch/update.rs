//! `updateAnnotations`.

use std::collections::{HashMap, HashSet};

use entity::{annotation, task};
use sea_orm::{ColumnTrait, DatabaseTransaction, QueryFilter};

use super::{
    super::{
        facts::{Facts, PendingUpdate},
        lock::{self, Locked},
        plan::Plan,
        update::{Change, check_input, decide},
    },
    CHUNK, ErrorPolicy, NOWHERE, Outcomes, Progress, is_fatal, repeated, with_problem,
    without_result,
};
use crate::{
    app::App,
    domain::access::{self, Actor},
    error::{Error, Result},
};

/// Changes annotations, each as a single change would be. An annotation can be named once. Answers with rows
/// without results.
pub async fn update(
    app: &App,
    actor: &Actor,
    items: Vec<(i64, Change)>,
    policy: ErrorPolicy,
) -> Result<Outcomes<annotation::Model>> {
    let mut progress = Progress::new(policy, items.len())?;
    let mut named = HashSet::new();
    let mut sound = Vec::new();
    for (index, (id, change)) in items.into_iter().enumerate() {
        let is_first = id == NOWHERE || named.insert(id);
        let repeated = (!is_first).then(|| repeated(&["id"], "annotation"));
        match with_problem(check_input(&change), repeated) {
            Ok(()) => sound.push((index, id, change)),
            Err(error) => progress.record(index, Err(error)),
        }
    }
    if sound.is_empty() {
        return progress.conclude(None).await;
    }
    let ids: Vec<i64> = sound.iter().map(|(_, id, _)| *id).collect();
    let targets = sound
        .iter()
        .filter_map(|(_, _, change)| change.task_id.value());
    let targets: Vec<i64> = targets.copied().collect();
    let (txn, tasks) = lock::begin_all(app, actor, &ids, &targets).await?;
    let mut version_bumps = HashMap::new();
    let mut sound = sound.into_iter();
    loop {
        let some: Vec<_> = sound.by_ref().take(CHUNK).collect();
        if some.is_empty() {
            return progress.conclude(Some(txn)).await;
        }
        if let Err(error) = change_some(
            app,
            &txn,
            actor,
            &tasks,
            some,
            &mut version_bumps,
            &mut progress,
        )
        .await
        {
            txn.rollback().await?;
            return Err(error);
        }
    }
}

/// `version_bumps` are the versions that the request has made already of annotations that it has not come to yet.
async fn change_some(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    tasks: &HashMap<i64, task::Model>,
    some: Vec<(usize, i64, Change)>,
    version_bumps: &mut HashMap<i64, i32>,
    progress: &mut Progress<annotation::Model>,
) -> Result<()> {
    let ids = some.iter().map(|(_, id, _)| *id);
    let rows = access::visible_annotations(actor)
        .filter(annotation::Column::Id.is_in(ids))
        .all(txn)
        .await?;
    let mut rows: HashMap<i64, annotation::Model> =
        rows.into_iter().map(|row| (row.id, row)).collect();
    let mut indexes = Vec::with_capacity(some.len());
    let mut pendings = Vec::with_capacity(some.len());
    for (index, id, change) in some {
        let row = rows.remove(&id);
        let found = row.and_then(|row| Some((tasks.get(&row.task_id)?, row)));
        let Some((task, annotation)) = found else {
            progress.record(index, Err(Error::NotFound("annotation")));
            continue;
        };
        let target = change.task_id.value();
        let locked = Locked {
            task: task.clone(),
            annotation,
            target: target.and_then(|id| tasks.get(id)).cloned(),
        };
        indexes.push(index);
        pendings.push(PendingUpdate {
            locked,
            change,
            version_bumps: version_bumps.get(&id).copied().unwrap_or_default(),
        });
    }
    let (facts, ground_truths) = Facts::for_updates(app, txn, actor, &pendings).await?;
    let mut plan = Plan::new(actor, ground_truths, facts.configs());
    for (index, mut pending) in indexes.into_iter().zip(pendings) {
        // An item before may have taken the ground truth from it.
        if let Some(row) = plan.row(pending.locked.annotation.id) {
            pending.version_bumps += row.version - pending.locked.annotation.version;
            pending.locked.annotation = row.clone();
        }
        match decide(actor, &facts, &mut plan, pending) {
            Err(error) if is_fatal(&error) => return Err(error),
            outcome => progress.record(index, outcome.map(without_result)),
        }
        // Others get their turn, and so does who says that time is over.
        tokio::task::yield_now().await;
    }
    for (id, made) in plan.version_bumps() {
        *version_bumps.entry(id).or_default() += made;
    }
    // Items may have changed what others before them made.
    for row in progress.accepted() {
        if let Some(newer) = plan.row(row.id) {
            *row = without_result(newer.clone());
        }
    }
    // What is refused in the end is taken back; until then, each item stands on those before it.
    plan.write(txn).await?;
    Ok(())
}
