//! Drafts affected by a plan: moved, deleted and new drafts.

use std::collections::BTreeMap;

use entity::{
    annotation::{self, Column},
    annotation_draft,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

use super::Plan;
use crate::{domain::draft::NewDraft, error::Result};

impl Plan {
    /// Moves drafts with their annotations.
    pub(super) async fn move_drafts(&self, txn: &DatabaseTransaction) -> Result<()> {
        use annotation_draft::Column::{AnnotationId, TaskId};
        if self.moved.is_empty() {
            return Ok(());
        }
        // A subselect sets each draft to its annotation's task, in a single statement.
        let task_id = annotation::Entity::find()
            .select_only()
            .column(Column::TaskId)
            .filter(
                Expr::col((annotation::Entity, Column::Id))
                    .eq(Expr::col((annotation_draft::Entity, AnnotationId))),
            )
            .into_query();
        annotation_draft::Entity::update_many()
            .col_expr(TaskId, Expr::SubQuery(None, Box::new(task_id.into())))
            .filter(AnnotationId.is_in(self.moved.iter().copied()))
            .exec(txn)
            .await?;
        Ok(())
    }

    /// Deletes submitted drafts, and the drafts that users have of annotations that they changed.
    pub(super) async fn delete_drafts(&self, txn: &DatabaseTransaction) -> Result<()> {
        use annotation_draft::Column::{AnnotationId, Id, UserId};
        let mut by_user: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (annotation_id, user_id) in &self.submitted_drafts_of {
            by_user.entry(*user_id).or_default().push(*annotation_id);
        }
        for (user_id, annotation_ids) in by_user {
            annotation_draft::Entity::delete_many()
                .filter(AnnotationId.is_in(annotation_ids))
                .filter(UserId.eq(user_id))
                .exec(txn)
                .await?;
        }
        if !self.consumed_drafts.is_empty() {
            annotation_draft::Entity::delete_many()
                .filter(Id.is_in(self.consumed_drafts.iter().copied()))
                .exec(txn)
                .await?;
        }
        Ok(())
    }

    /// Keeps the results of deleted annotations as drafts of the users who deleted them, a draft per task.
    pub(super) async fn insert_drafts(
        &mut self,
        txn: &DatabaseTransaction,
    ) -> Result<Vec<annotation_draft::Model>> {
        let mut drafts = Vec::with_capacity(self.new_drafts.len());
        for (row, user_id) in std::mem::take(&mut self.new_drafts) {
            let draft = NewDraft {
                task_id: row.task_id,
                annotation_id: None,
                annotation_version: None,
                user_id,
                result: row.result,
                lead_time: row.lead_time,
                // The deletion counts as the first save of the draft.
                at: row.updated_at,
            };
            drafts.push(draft.insert(txn).await?);
        }
        Ok(drafts)
    }
}
