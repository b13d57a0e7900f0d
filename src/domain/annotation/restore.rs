//! `restoreAnnotation`: bring back what an annotation was, with a revision of its own; a deleted one too.

use std::{collections::HashMap, sync::Arc};

use entity::{annotation, annotation_tombstone, prediction, task, user};
use label_studio::{config::Config, entry::entries};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::LockType,
};

use super::{
    Change, OwnDrafts, apply,
    conflict::check_version,
    facts,
    lock::{self, DeletedTarget, Locked, RestoreTarget},
    new_result::{NewResult, Provenance},
    plan::{self, Outcome, Plan},
    result_validation, touch,
};
use crate::{
    app::{App, compute},
    domain::{
        Patch,
        access::{self, Actor},
        history::snapshot::{self, Snapshot, VersionOf},
    },
    error::{Error, Problem, ProblemCode, Result},
};

/// What an annotation was at a version.
struct PastState {
    snapshot: Snapshot,
    result: String,
}

/// Brings back result, flags, lead time and author that an annotation had at a version. It stays in the task
/// that it is in, and a deleted one comes back to the task that it was in.
///
/// What is so already is no change, and leaves everything as it is, the version too.
pub async fn restore(
    app: &App,
    actor: &Actor,
    id: i64,
    version: i32,
    expected_version: Option<i32>,
) -> Result<annotation::Model> {
    let (txn, found) = lock::begin_restore(app, actor, id).await?;
    let outcome = match found {
        RestoreTarget::Live(locked) => {
            revert(app, &txn, actor, *locked, version, expected_version).await
        }
        RestoreTarget::Deleted(deleted) => {
            let key = VersionOf {
                annotation_id: id,
                version,
            };
            undelete(app, &txn, actor, deleted, key, expected_version).await
        }
    };
    plan::conclude(txn, outcome).await
}

/// Restores an annotation that is there: as an update would.
async fn revert(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    locked: Locked,
    version: i32,
    expected_version: Option<i32>,
) -> Result<Outcome> {
    let row = &locked.annotation;
    let role = access::role_in(txn, actor, row.project_id).await?;
    let role = role.ok_or(Error::NotFound("annotation"))?;
    access::require(
        access::may_edit(actor, role, row),
        "you may change only annotations of your own in this project",
    )?;
    let key = VersionOf {
        annotation_id: row.id,
        version,
    };
    let snapshot = snapshot::load(txn, actor, &[key]).await?.remove(&key);
    let past_state = past_state(txn, snapshot).await?;
    let author = match &past_state {
        Some(past_state) => restored_author(txn, &past_state.snapshot, row.completed_by_id).await?,
        None => row.completed_by_id,
    };
    if let Some(PastState { snapshot, .. }) = &past_state {
        access::require(
            snapshot.ground_truth == row.ground_truth || access::may_set_ground_truth(role),
            "the ground truth is set by reviewers and managers",
        )?;
        access::require(
            author == row.completed_by_id || access::may_manage(role),
            "authorship is changed by managers",
        )?;
    }
    check_version(txn, actor, row, expected_version).await?;
    let past_state = past_state.ok_or_else(unknown_version)?;
    compute::charge(row.result.len() + past_state.result.len()).await;
    let is_stored = json_fidelity::are_equivalent(&row.result, &past_state.result);
    let returns = row.was_cancelled && !past_state.snapshot.was_cancelled;
    let configs = match !is_stored || returns {
        true => validate(app, txn, &locked.task, &past_state, is_stored).await?,
        // The result stays, and with it the index.
        false => HashMap::new(),
    };
    let (change, new_result) = past_state.into_change(author, is_stored);
    let claimed = change.ground_truth == Patch::Set(true) && !locked.annotation.ground_truth;
    let task_ids = claimed.then_some(locked.annotation.task_id);
    let ground_truths = plan::ground_truths(txn, task_ids.as_slice()).await?;
    let mut plan = Plan::new(actor, ground_truths, configs);
    let row = plan.change(locked, &change, new_result)?;
    if plan.is_empty() {
        return Ok(Outcome::Unchanged(row));
    }
    plan.write(txn).await?;
    Ok(Outcome::Changed(row))
}

/// Restores an annotation that is not there any more.
async fn undelete(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    deleted: DeletedTarget,
    key: VersionOf,
    expected_version: Option<i32>,
) -> Result<Outcome> {
    let end = VersionOf {
        version: deleted.version,
        ..key
    };
    let mut snapshots = snapshot::load(txn, actor, &[key, end]).await?;
    let snapshot = snapshots.get(&key).cloned();
    let last = past_state(txn, snapshots.remove(&end)).await?;
    let last = last.ok_or(Error::NotFound("annotation"))?;
    let role = access::role_in(txn, actor, last.snapshot.project_id).await?;
    let role = role.ok_or(Error::NotFound("annotation"))?;
    let tombstone = annotation_tombstone::Entity::find_by_id(key.annotation_id)
        .one(txn)
        .await?;
    let before = deleted_row(last, tombstone.as_ref());
    access::require(
        access::may_delete(actor, role, &before),
        "you may restore only deleted annotations of your own; managers may restore any",
    )?;
    let past_state = past_state(txn, snapshot).await?;
    let author = match &past_state {
        Some(past_state) => {
            restored_author(txn, &past_state.snapshot, before.completed_by_id).await?
        }
        None => None,
    };
    if let Some(PastState { snapshot, .. }) = &past_state {
        access::require(
            !snapshot.ground_truth || access::may_set_ground_truth(role),
            "the ground truth is set by reviewers and managers",
        )?;
        access::require(
            author.is_none() || author == before.completed_by_id || access::may_manage(role),
            "authorship is changed by managers",
        )?;
    }
    check_version(txn, actor, &before, expected_version).await?;
    let past_state = past_state.ok_or_else(unknown_version)?;
    let (Some(task), Some(_)) = (deleted.task, tombstone) else {
        return Err(not_restorable());
    };
    let configs = validate(app, txn, &task, &past_state, false).await?;

    let mut row = existing_parents(txn, before.clone()).await?;
    compute::charge(row.result.len() + past_state.result.len()).await;
    let is_stored = json_fidelity::are_equivalent(&row.result, &past_state.result);
    let (change, new_result) = past_state.into_change(author, is_stored);
    let changes = apply::apply(&mut row, &change, None, new_result);
    let action = apply::action(&row, &changes);
    let task_ids = row.ground_truth.then_some(row.task_id);
    let ground_truths = plan::ground_truths(txn, task_ids.as_slice()).await?;
    let mut plan = Plan::new(actor, ground_truths, configs);
    touch(&mut row, actor.id(), action, plan.at());
    check_unique_id(txn, &row).await?;
    plan.undelete(task, row.clone(), action, changes)?;
    plan.write(txn).await.map_err(|error| match error {
        // Somebody took the id between our look and our insert.
        Error::BadInput(_) => taken(),
        error => error,
    })?;
    Ok(Outcome::Changed(row))
}

impl PastState {
    /// What it takes to get there. The result is left out when it is the stored one.
    fn into_change(self, author: Option<i64>, is_stored: bool) -> (Change, Option<NewResult>) {
        let or_null = |value: Option<f64>| value.map_or(Patch::Null, Patch::Set);
        let change = Change {
            completed_by_id: author.map_or(Patch::Null, Patch::Set),
            was_cancelled: Patch::Set(self.snapshot.was_cancelled),
            ground_truth: Patch::Set(self.snapshot.ground_truth),
            lead_time: or_null(self.snapshot.lead_time),
            own_drafts: OwnDrafts::Keep,
            ..Change::default()
        };
        let new_result = (!is_stored).then(|| NewResult {
            region_count: entries(&self.result).len(),
            result: self.result,
            provenance: Provenance::Whole,
        });
        (change, new_result)
    }
}

async fn past_state(
    txn: &DatabaseTransaction,
    snapshot: Option<Snapshot>,
) -> Result<Option<PastState>> {
    let Some(snapshot) = snapshot else {
        return Ok(None);
    };
    Ok(Some(PastState {
        result: snapshot::result(txn, &snapshot).await?,
        snapshot,
    }))
}

/// Who is the author after all: the one of then, but once they are gone the last one; nobody once they are
/// gone, too.
async fn restored_author(
    txn: &DatabaseTransaction,
    snapshot: &Snapshot,
    last: Option<i64>,
) -> Result<Option<i64>> {
    let Some(then) = snapshot.completed_by_id else {
        return Ok(None);
    };
    let ids = [Some(then), last].into_iter().flatten();
    let found: Vec<i64> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Id.is_in(ids))
        .into_tuple()
        .all(txn)
        .await?;
    let there = |id: &i64| found.contains(id);
    Ok(Some(then).filter(there).or(last.filter(there)))
}

async fn validate(
    app: &App,
    txn: &DatabaseTransaction,
    task: &task::Model,
    past_state: &PastState,
    is_stored: bool,
) -> Result<HashMap<i64, Arc<Config>>> {
    let is_cancelled = past_state.snapshot.was_cancelled;
    let contexts = facts::contexts(app, txn, &[task]).await?;
    match result_validation::validate_restored(
        contexts.of(task),
        &past_state.result,
        is_cancelled,
        is_stored,
    ) {
        Some(problem) => Err(problem.into()),
        None => Ok(contexts.configs),
    }
}

/// The row that was deleted. Without a tombstone it lacks what the history does not tell.
fn deleted_row(
    last: PastState,
    tombstone: Option<&annotation_tombstone::Model>,
) -> annotation::Model {
    let PastState { snapshot, result } = last;
    annotation::Model {
        id: snapshot.annotation_id,
        unique_id: tombstone.map_or_else(uuid::Uuid::nil, |row| row.unique_id),
        task_id: snapshot.task_id,
        project_id: snapshot.project_id,
        region_count: i32::try_from(entries(&result).len()).unwrap_or(i32::MAX),
        result,
        completed_by_id: snapshot.completed_by_id,
        updated_by_id: snapshot.updated_by_id,
        last_created_by_id: None,
        last_action: Some(snapshot.last_action),
        was_cancelled: snapshot.was_cancelled,
        ground_truth: snapshot.ground_truth,
        lead_time: snapshot.lead_time,
        created_at: tombstone.map_or(snapshot.at, |row| row.created_at),
        updated_at: snapshot.at,
        draft_created_at: tombstone.and_then(|row| row.draft_created_at),
        import_id: tombstone.and_then(|row| row.import_id),
        parent_prediction_id: tombstone.and_then(|row| row.parent_prediction_id),
        parent_annotation_id: tombstone.and_then(|row| row.parent_annotation_id),
        version: snapshot.version,
        extra: tombstone.and_then(|row| row.extra.clone()),
    }
}

/// Takes away the parents that are gone, and keeps the others where they are until the transaction ends.
async fn existing_parents(
    txn: &DatabaseTransaction,
    mut row: annotation::Model,
) -> Result<annotation::Model> {
    if let Some(id) = row.parent_prediction_id {
        let parent = prediction::Entity::find_by_id(id).select_only();
        let parent = parent.column(prediction::Column::Id);
        let parent: Option<i64> = parent
            .lock(LockType::KeyShare)
            .into_tuple()
            .one(txn)
            .await?;
        row.parent_prediction_id = parent;
    }
    if let Some(id) = row.parent_annotation_id {
        let parent = annotation::Entity::find_by_id(id).select_only();
        let parent = parent.column(annotation::Column::Id);
        let parent: Option<i64> = parent
            .lock(LockType::KeyShare)
            .into_tuple()
            .one(txn)
            .await?;
        row.parent_annotation_id = parent;
    }
    Ok(row)
}

async fn check_unique_id(txn: &impl ConnectionTrait, row: &annotation::Model) -> Result<()> {
    let holder = annotation::Entity::find()
        .select_only()
        .column(annotation::Column::Id)
        .filter(annotation::Column::UniqueId.eq(row.unique_id))
        .into_tuple::<i64>()
        .one(txn)
        .await?;
    match holder {
        Some(_) => Err(taken()),
        None => Ok(()),
    }
}

fn unknown_version() -> Error {
    let message = "the annotation never had this version, or you may not see it";
    Problem::new(["version"], ProblemCode::UnknownVersion, message).into()
}

fn not_restorable() -> Error {
    let message = "too little is left of it: its task is gone, or it was deleted by a version of this server that kept no more";
    Problem::new(["id"], ProblemCode::NotRestorable, message).into()
}

fn taken() -> Error {
    let message = "another annotation has taken its unique id since it was deleted";
    Problem::new(["id"], ProblemCode::AlreadyTaken, message).into()
}
