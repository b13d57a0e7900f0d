//! Ground truths of a plan: a task has at most one, so that a new one takes the flag from the previous one.

use entity::{
    annotation::{self, Action, Column},
    annotation_revision::Event,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::Expr};

use super::{super::apply::touch, NewRow, Plan, Planned, copy_without_result};
use crate::{
    domain::{access::Actor, history::Changes},
    error::Result,
};

impl Plan {
    /// Takes the ground truth from the annotation of the task that holds it, with a separate revision.
    pub(super) fn clear_ground_truth(
        &mut self,
        actor: &Actor,
        task_id: i64,
        keep: i64,
    ) -> Result<()> {
        let is_other =
            |row: &annotation::Model| row.ground_truth && row.task_id == task_id && row.id != keep;
        let stored = self.ground_truths.remove(&task_id);
        // A planned row supersedes the stored row, even if no longer the ground truth.
        let is_planned =
            |id: i64| self.rows.contains_key(&id) || self.deleted.iter().any(|row| row.id == id);
        let stored = stored.filter(|row| !is_planned(row.id) && is_other(row));
        let mut planned = self.rows.values().map(|planned| &planned.after);
        let planned = planned.find(|row| is_other(row)).map(|row| row.id);
        // Takes rows out of the plan, since revising a row borrows the whole plan.
        if let Some(id) = planned
            && let Some(mut planned) = self.rows.remove(&id)
        {
            self.take_ground_truth(actor, &mut planned.after)?;
            self.rows.insert(id, planned);
        } else if let Some(mut row) = stored {
            let before = copy_without_result(&mut row);
            self.take_ground_truth(actor, &mut row)?;
            self.put(before, None, row);
        }
        let mut restored = std::mem::take(&mut self.restored);
        for row in restored.iter_mut().filter(|row| is_other(row)) {
            self.take_ground_truth(actor, row)?;
        }
        self.restored = restored;
        for NewRow { row, .. } in &mut self.new {
            // New rows have no revision yet that could record the loss of the ground truth.
            row.ground_truth &= row.task_id != task_id;
        }
        Ok(())
    }

    /// Takes the ground truth from a row, at a new version.
    fn take_ground_truth(&mut self, actor: &Actor, row: &mut annotation::Model) -> Result<()> {
        row.ground_truth = false;
        touch(row, actor.id(), Action::Updated, self.at);
        let mut changes = Changes::default();
        changes.field("groundTruth", false);
        self.revise(actor.id(), row, Event::Updated, Action::Updated, changes)
    }

    /// Clears the ground truth of rows that lose the flag, before other rows get the flag: a unique index allows a
    /// single ground truth per task.
    ///
    /// Returns whether any flag was cleared: rows that keep the flag and move have to be written again.
    pub(super) async fn release_ground_truths(&self, txn: &DatabaseTransaction) -> Result<bool> {
        let changes = |row: &&Planned| {
            row.before.ground_truth != row.after.ground_truth
                || row.before.task_id != row.after.task_id
        };
        let changed = || self.rows.values().filter(changes);
        let gains = changed().any(|row| row.after.ground_truth)
            || self.new.iter().any(|new| new.row.ground_truth)
            || self.restored.iter().any(|row| row.ground_truth);
        let lose = changed().filter(|row| row.before.ground_truth);
        let lose: Vec<i64> = lose.map(|row| row.before.id).collect();
        // A single row that loses the flag is saved before new rows are inserted, so no further statement is needed.
        if !gains || lose.is_empty() || self.rows.len() < 2 {
            return Ok(false);
        }
        annotation::Entity::update_many()
            .col_expr(Column::GroundTruth, Expr::val(false))
            .filter(Column::Id.is_in(lose))
            .exec(txn)
            .await?;
        Ok(true)
    }
}
