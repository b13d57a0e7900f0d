//! `deleteAnnotation`: the row goes, its history stays and ends with a tombstone.

use entity::{
    annotation::{self, Action},
    annotation_revision::Event,
    annotation_tombstone,
};
use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel};

use super::{
    conflict::check_version,
    lock::{self, Locked},
    touch,
};
use crate::{
    app::App,
    db,
    domain::{
        access::{self, Actor},
        history::{self, Changes},
        task as tasks,
    },
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
    let Locked {
        mut task,
        annotation: mut row,
        ..
    } = locked;
    let role = access::role_in(txn, actor, row.project_id)
        .await?
        .ok_or(Error::NotFound("annotation"))?;
    access::require(
        access::may_delete(actor, role, &row),
        "you may delete only annotations of your own; managers may delete any",
    )?;
    check_version(txn, actor, &row, expected_version).await?;
    let at = db::now();
    let action = row.last_action.unwrap_or(Action::Updated);
    touch(&mut row, actor.id(), action, at);
    history::append(
        txn,
        &row,
        Event::Deleted,
        action,
        actor.id(),
        at,
        Changes::default(),
    )
    .await?;
    annotation::Entity::delete_by_id(row.id).exec(txn).await?;
    bury(txn, &row).await?;
    tasks::touch(txn, &mut task, actor, at, true).await?;
    Ok(Deleted { row })
}

/// Keeps what the history does not hold, so that the annotation can come back.
async fn bury(txn: &DatabaseTransaction, row: &annotation::Model) -> Result<()> {
    let tombstone = annotation_tombstone::Model {
        annotation_id: row.id,
        project_id: row.project_id,
        unique_id: row.unique_id,
        created_at: row.created_at,
        draft_created_at: row.draft_created_at,
        import_id: row.import_id,
        parent_prediction_id: row.parent_prediction_id,
        parent_annotation_id: row.parent_annotation_id,
        extra: row.extra.clone(),
    };
    annotation_tombstone::Entity::insert(tombstone.into_active_model().reset_all())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
