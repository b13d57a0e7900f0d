//! Facts about restorations: the state of an annotation at a version, and the last state of a deleted annotation.

use std::collections::{HashMap, HashSet};

use entity::{annotation, annotation_tombstone, user};
use label_studio::entry::entries;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::super::pending::Pending;
use crate::{
    app::{App, compute, memory::Lease},
    domain::{
        access::Actor,
        history::snapshot::{self, ResultRef, Snapshot, VersionOf},
    },
    error::{Error, Result},
};

/// Facts about a restoration.
pub struct RestoreFacts {
    /// State to restore; absent for a version that never existed or that the actor may not see.
    pub past: Option<PastState>,
    /// Last row of a deleted annotation, or `None` for a live annotation, and when the actor may not see the deletion.
    pub before: Option<annotation::Model>,
    pub has_tombstone: bool,
}

/// State of an annotation at a version.
pub struct PastState {
    pub snapshot: Snapshot,
    pub result: String,
    /// Author at that version; the last author when that user no longer exists, nobody when neither exists.
    pub author: Option<i64>,
    /// The last result is equal.
    pub is_stored: bool,
}

impl PastState {
    /// Says whether the result has to be validated for a restoration of this live annotation.
    pub fn needs_validation(&self, row: &annotation::Model) -> bool {
        !self.is_stored || (row.was_cancelled && !self.snapshot.was_cancelled)
    }
}

/// Reads the facts of all restorations, by annotation, with the memory of their results.
pub async fn read(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    pendings: &[Pending],
) -> Result<(HashMap<i64, RestoreFacts>, Lease)> {
    let wanted: Vec<Wanted<'_>> = pendings.iter().filter_map(Wanted::of).collect();
    if wanted.is_empty() {
        // Most requests restore nothing, and cost no statement here.
        return Ok((HashMap::new(), app.memory.empty()));
    }
    // Reads the version to restore and the version of the deletion at once.
    let keys = wanted.iter().flat_map(|it| [Some(it.key), it.deletion]);
    let keys: Vec<VersionOf> = keys.flatten().collect();
    let snapshots = snapshot::load(txn, actor, &keys).await?;
    let results: Vec<ResultRef> = snapshots.values().map(|it| it.result).collect();
    let (results, lease) = match results.as_slice() {
        [] => (HashMap::new(), app.memory.empty()),
        results => snapshot::results(app, txn, results).await?,
    };
    let tombstones = tombstones(txn, &wanted).await?;
    let mut found = Vec::with_capacity(wanted.len());
    for it in wanted {
        let state = |key: VersionOf| {
            let snapshot = snapshots.get(&key).cloned()?;
            // The revision is missing only if the project was deleted between the two statements.
            let result = results.get(&snapshot.result).cloned();
            Some(
                result
                    .ok_or_else(Error::busy)
                    .map(|result| (snapshot, result)),
            )
        };
        let tombstone = tombstones.get(&it.key.annotation_id);
        let before = it.deletion.and_then(state).transpose()?;
        let before = before.map(|last| deleted_row(last, tombstone));
        found.push((it, state(it.key).transpose()?, before, tombstone.is_some()));
    }
    // Authors are restored only if they still exist: a reference to a deleted user would fail the write. A version
    // without an author restores none, and needs no fallback.
    let users = found.iter().flat_map(|(it, past, before, _)| {
        let then = past
            .as_ref()
            .and_then(|(snapshot, _)| snapshot.completed_by_id);
        then.map_or([None, None], |id| {
            [
                Some(id),
                it.last(before).and_then(|row| row.completed_by_id),
            ]
        })
    });
    let users = existing_users(txn, users.flatten().collect()).await?;
    let mut facts = HashMap::with_capacity(found.len());
    for (it, past, before, has_tombstone) in found {
        let past = match (past, it.last(&before)) {
            (Some((snapshot, result)), Some(last)) => {
                // Comparing large results takes time: the charge moves the operation to a worker.
                compute::charge(last.result.len() + result.len()).await;
                let exists = |id: &i64| users.contains(id);
                let then = snapshot.completed_by_id;
                let author = then.filter(exists).or(last.completed_by_id.filter(exists));
                Some(PastState {
                    author: then.and(author),
                    is_stored: json_fidelity::are_equivalent(&last.result, &result),
                    snapshot,
                    result,
                })
            }
            _ => None,
        };
        let fact = RestoreFacts {
            past,
            before,
            has_tombstone,
        };
        facts.insert(it.key.annotation_id, fact);
    }
    Ok((facts, lease))
}

/// Versions that a restoration needs.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// Version to restore.
    key: VersionOf,
    /// Version of the deletion, for a deleted annotation.
    deletion: Option<VersionOf>,
    live: Option<&'a annotation::Model>,
}

impl<'a> Wanted<'a> {
    fn of(pending: &'a Pending) -> Option<Self> {
        let key = |annotation_id, version| VersionOf {
            annotation_id,
            version,
        };
        match pending {
            Pending::Revert(pending) => {
                let row = &pending.locked.annotation;
                Some(Self {
                    key: key(row.id, pending.version),
                    deletion: None,
                    live: Some(row),
                })
            }
            Pending::Undelete(pending) => Some(Self {
                key: key(pending.id, pending.version),
                deletion: Some(key(pending.id, pending.deleted.version)),
                live: None,
            }),
            Pending::Create(_) | Pending::Update(_) | Pending::Delete(_) => None,
        }
    }

    /// The current row, or the last row before the deletion.
    fn last<'r>(&'r self, before: &'r Option<annotation::Model>) -> Option<&'r annotation::Model> {
        self.live.or(before.as_ref())
    }
}

async fn tombstones(
    txn: &DatabaseTransaction,
    wanted: &[Wanted<'_>],
) -> Result<HashMap<i64, annotation_tombstone::Model>> {
    let ids = wanted.iter().filter_map(|it| it.deletion);
    let ids: Vec<i64> = ids.map(|key| key.annotation_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = annotation_tombstone::Entity::find()
        .filter(annotation_tombstone::Column::AnnotationId.is_in(ids))
        .all(txn)
        .await?;
    Ok(found
        .into_iter()
        .map(|row| (row.annotation_id, row))
        .collect())
}

async fn existing_users(txn: &DatabaseTransaction, ids: Vec<i64>) -> Result<HashSet<i64>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<i64> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Id.is_in(ids))
        .into_tuple()
        .all(txn)
        .await?;
    Ok(found.into_iter().collect())
}

/// Rebuilds the deleted row. Without a tombstone, fields that the history lacks are empty.
fn deleted_row(
    (snapshot, result): (Snapshot, String),
    tombstone: Option<&annotation_tombstone::Model>,
) -> annotation::Model {
    annotation::Model {
        id: snapshot.annotation_id,
        unique_id: tombstone.map_or_else(uuid::Uuid::nil, |row| row.unique_id),
        task_id: snapshot.task_id,
        project_id: snapshot.project_id,
        region_count: i32::try_from(entries(&result).len()).unwrap_or(i32::MAX),
        result,
        completed_by_id: snapshot.completed_by_id,
        updated_by_id: snapshot.updated_by_id,
        // The history does not hold this field.
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
