//! `convertAnnotationToDraft`: an annotation is unfinished again.

use entity::annotation_draft::{self, Column};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait,
    DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr,
};

use super::save;
use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation::{
            self as annotations,
            lock::{self, Locked},
        },
    },
    error::{Problem, ProblemCode, Result},
};

/// Deletes an annotation, as [`annotations::delete`] does, and answers with a draft of the actor's that holds
/// its result and lead time: of its task, for a new annotation.
///
/// Refused when a draft of the actor's own would be lost by it: the one of the task that they save to, or one
/// of this annotation.
pub async fn convert(
    app: &App,
    actor: &Actor,
    id: i64,
    expected_version: Option<i32>,
) -> Result<annotation_draft::Model> {
    let (txn, locked) = lock::begin(app, actor, id, None).await?;
    match convert_locked(&txn, actor, locked, expected_version).await {
        Ok(draft) => {
            txn.commit().await?;
            Ok(draft)
        }
        Err(refusal) => {
            txn.rollback().await?;
            Err(refusal)
        }
    }
}

async fn convert_locked(
    txn: &DatabaseTransaction,
    actor: &Actor,
    locked: Locked,
    expected_version: Option<i32>,
) -> Result<annotation_draft::Model> {
    // Asked before the drafts go with it, told once everything else allows it.
    let drafts_at_risk = drafts_at_risk(txn, actor, &locked).await?;
    let deleted = annotations::delete_locked(txn, actor, locked, expected_version).await?;
    if drafts_at_risk {
        let message = "you have a draft of it or of its task, which would be lost: submit or discard it first";
        return Err(Problem::new(["id"], ProblemCode::AlreadyTaken, message).into());
    }
    let row = deleted.row;
    let draft = annotation_draft::ActiveModel {
        result: Set(row.result),
        lead_time: Set(row.lead_time),
        ..save::new_draft(actor, row.task_id, None, row.updated_at)
    };
    Ok(draft.insert(txn).await?)
}

/// Drafts of the actor's own that the conversion would delete or write over.
async fn drafts_at_risk(db: &impl ConnectionTrait, actor: &Actor, locked: &Locked) -> Result<bool> {
    let saved_to = Condition::all()
        .add(Column::TaskId.eq(locked.task.id))
        .add(Column::AnnotationId.is_null())
        .add(Expr::col(Column::IsAutosave));
    let own = annotation_draft::Entity::find()
        .filter(Column::UserId.eq(actor.id()))
        .filter(
            Condition::any()
                .add(Column::AnnotationId.eq(locked.annotation.id))
                .add(saved_to),
        );
    Ok(own.count(db).await? > 0)
}
