//! `deleteAnnotation`: the row goes, its history stays and ends with a tombstone.

use std::collections::HashMap;

use entity::annotation;
use sea_orm::DatabaseTransaction;

use super::{
    conflict,
    facts::Facts,
    lock::{self, Locked},
    plan::{GroundTruthByTask, Plan},
};
use crate::{
    app::App,
    domain::access::{self, Actor},
    error::{Error, Result},
};

/// What is left of a deleted annotation.
#[derive(Debug)]
pub struct Deleted {
    pub row: annotation::Model,
}

/// Deletes an annotation, its drafts and its reviews. Annotations that began as a copy of it lose their parent.
pub async fn delete(
    app: &App,
    actor: &Actor,
    id: i64,
    expected_version: Option<i32>,
) -> Result<Deleted> {
    let (txn, locked) = lock::begin(app, actor, id, None).await?;
    match delete_locked(&txn, actor, locked, expected_version).await {
        Ok(deleted) => {
            txn.commit().await?;
            Ok(deleted)
        }
        Err(refusal) => {
            txn.rollback().await?;
            Err(refusal)
        }
    }
}

/// Deletes an annotation that is ours until the transaction ends.
pub async fn delete_locked(
    txn: &DatabaseTransaction,
    actor: &Actor,
    locked: Locked,
    expected_version: Option<i32>,
) -> Result<Deleted> {
    let row = &locked.annotation;
    let stale = expected_version.is_some_and(|version| version != row.version);
    let stale: &[_] = if stale { &[row] } else { &[] };
    let facts = Facts::for_deletes(txn, actor, &[row], stale).await?;
    let mut plan = Plan::new(actor, GroundTruthByTask::new(), HashMap::new());
    let deleted = decide(actor, &facts, &mut plan, locked, expected_version)?;
    plan.write(txn).await?;
    Ok(deleted)
}

/// Takes a deletion into the plan when it is allowed.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan<'_>,
    locked: Locked,
    expected_version: Option<i32>,
) -> Result<Deleted> {
    let row = &locked.annotation;
    let role = facts.role(row.project_id);
    access::require(
        access::may_delete(actor, role.ok_or(Error::NotFound("annotation"))?, row),
        "you may delete only annotations of your own; managers may delete any",
    )?;
    if let Some(version) = expected_version.filter(|version| *version != row.version) {
        return Err(conflict::stale(row, version, &facts.visible_users)?);
    }
    let row = plan.delete(locked)?;
    Ok(Deleted { row })
}
