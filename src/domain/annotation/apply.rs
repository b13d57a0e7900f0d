//! Writes a change that is allowed and right, whoever made it up: row, revision, counters and what follows.

use entity::{
    annotation::{self, Action},
    annotation_draft,
    annotation_revision::Event,
    task,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    Change, OwnDrafts, clear_other_ground_truth, incoming::Incoming, lock::Locked, save, touch,
    unsigned,
};
use crate::{
    db::{self, Write},
    domain::{
        Patch,
        access::Actor,
        draft as drafts,
        history::{self, Changes},
        task as tasks,
    },
    error::Result,
};

/// Ends the transaction of a change: what changed nothing leaves nothing behind.
pub async fn conclude(txn: Write, outcome: Result<Outcome>) -> Result<annotation::Model> {
    match outcome {
        Ok(Outcome::Changed(row)) => {
            txn.commit().await?;
            Ok(row)
        }
        Ok(Outcome::Unchanged(row)) => {
            txn.rollback().await?;
            Ok(row)
        }
        Err(refusal) => {
            txn.rollback().await?;
            Err(refusal)
        }
    }
}

/// What came of a change.
pub enum Outcome {
    /// Nothing was written.
    Unchanged(annotation::Model),
    /// Something was, if only that drafts went.
    Changed(annotation::Model),
}

/// Writes a change that is allowed and right.
pub async fn apply(
    txn: &DatabaseTransaction,
    actor: &Actor,
    change: Change,
    locked: Locked,
    incoming: Option<Incoming>,
) -> Result<Outcome> {
    let Locked {
        mut task,
        annotation: mut row,
        target,
    } = locked;
    let updated_by_id = change.updated_by_id.value().copied();
    let mut target = target.filter(|target| change.task_id.is_sent() && target.id != row.task_id);
    let before = row.clone();
    let mut changes = set(&mut row, &change, target.as_ref(), incoming);
    if let Some(review) = &change.review {
        changes.review(review.comment.as_deref());
    }
    if changes.is_empty() {
        let goes = change.own_drafts == OwnDrafts::Go;
        return Ok(
            match goes && drafts::remove_own(txn, actor, &[row.id]).await? {
                true => Outcome::Changed(row),
                false => Outcome::Unchanged(row),
            },
        );
    }
    if change.own_drafts != OwnDrafts::Keep {
        drafts::remove_own(txn, actor, &[row.id]).await?;
    }
    row.draft_created_at = change.draft_created_at.or(row.draft_created_at);
    let review = change.review.as_ref().map(|review| review.action);
    let action = review.unwrap_or_else(|| action(&row, &changes));
    let at = db::now();
    touch(&mut row, actor.id(), action, at);
    if updated_by_id.is_some() {
        row.updated_by_id = updated_by_id;
    }
    if row.ground_truth && (changes.has("groundTruth") || changes.has("task")) {
        clear_other_ground_truth(txn, actor, row.task_id, Some(row.id), at).await?;
    }
    save(txn, before, &row).await?;
    let recount = ["task", "wasCancelled", "completedBy"]
        .iter()
        .any(|field| changes.has(field));
    let moved = changes.has("task");
    history::append(txn, &row, Event::Updated, action, actor.id(), at, changes).await?;
    if moved {
        annotation_draft::Entity::update_many()
            .col_expr(annotation_draft::Column::TaskId, Expr::value(row.task_id))
            .filter(annotation_draft::Column::AnnotationId.eq(row.id))
            .exec(txn)
            .await?;
    }
    for task in std::iter::once(&mut task).chain(target.as_mut()) {
        tasks::touch(txn, task, actor, at, recount).await?;
    }
    Ok(Outcome::Changed(row))
}

/// What a change did that led to this row.
pub fn action(row: &annotation::Model, changes: &Changes) -> Action {
    if changes.has("wasCancelled") && row.was_cancelled {
        Action::Skipped
    } else {
        Action::Updated
    }
}

/// Sets what differs and says what did.
pub fn set(
    row: &mut annotation::Model,
    change: &Change,
    target: Option<&task::Model>,
    incoming: Option<Incoming>,
) -> Changes {
    let mut changes = Changes::default();
    if let Some(incoming) = incoming {
        changes.result(&incoming.result);
        row.result = incoming.result;
        row.region_count = i32::try_from(incoming.region_count).unwrap_or(i32::MAX);
    }
    if let Some(target) = target {
        changes.moved_from(row.task_id, row.project_id);
        row.task_id = target.id;
        changes.id("task", Some(target.id));
        if row.project_id != target.project_id {
            row.project_id = target.project_id;
            changes.id("project", Some(target.project_id));
        }
    }
    let completed_by_id = match change.completed_by_id {
        Patch::Keep => row.completed_by_id,
        Patch::Null => None,
        Patch::Set(id) => Some(id),
    };
    if row.completed_by_id != completed_by_id {
        row.completed_by_id = completed_by_id;
        changes.id("completedBy", completed_by_id);
    }
    if let Patch::Set(id) = change.updated_by_id
        && row.updated_by_id != Some(id)
    {
        changes.id("updatedBy", Some(id));
    }
    if let Patch::Set(was_cancelled) = change.was_cancelled
        && row.was_cancelled != was_cancelled
    {
        row.was_cancelled = was_cancelled;
        changes.field("wasCancelled", was_cancelled);
    }
    if let Patch::Set(ground_truth) = change.ground_truth
        && row.ground_truth != ground_truth
    {
        row.ground_truth = ground_truth;
        changes.field("groundTruth", ground_truth);
    }
    let lead_time = match change.lead_time {
        Patch::Keep => row.lead_time,
        Patch::Null => None,
        Patch::Set(seconds) => Some(unsigned(seconds)),
    };
    if row.lead_time != lead_time {
        row.lead_time = lead_time;
        changes.field("leadTime", lead_time);
    }
    changes
}
