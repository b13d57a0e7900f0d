//! Writes a plan, in as many statements for a hundred annotations as for a single annotation.

use entity::{
    annotation::{self, Column},
    annotation_revision::Event,
    annotation_tombstone,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Unchanged},
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Iterable, ModelTrait,
    QueryFilter, SqlErr,
};

use super::{super::index, NewRow, Plan, Planned, PlannedRows, unique_id_taken, used_unique_id};
use crate::{
    domain::{
        bulk,
        history::{self, Changes},
        task as tasks,
    },
    error::{Error, Result},
};

impl Planned {
    /// Says whether the annotation moves to a different project.
    fn moves_to_project(&self) -> bool {
        self.before.project_id != self.after.project_id
    }
}

impl Plan {
    /// Writes all rows, in an order that respects unique keys: deletes rows before inserting.
    pub async fn write(mut self, txn: &DatabaseTransaction) -> Result<PlannedRows> {
        self.tombstone(txn).await?;
        // Before saving: two rows of a task must not hold the ground truth at the same time, not even between
        // statements.
        let are_freed = self.release_ground_truths(txn).await?;
        self.save(txn, are_freed).await?;
        let new = std::mem::take(&mut self.new);
        let created = self.insert(txn, new).await?;
        let restored = self.insert_restored(txn).await?;
        self.index(txn, created.iter().chain(&restored)).await?;
        // After the rows: new annotations get their ids on insert, and revisions refer to the ids.
        history::append_all(txn, std::mem::take(&mut self.revisions)).await?;
        self.move_drafts(txn).await?;
        self.delete_drafts(txn).await?;
        let drafts = self.insert_drafts(txn).await?;
        self.write_reviews(txn).await?;
        tasks::touch(txn, self.tasks.into_values().collect(), self.at).await?;
        let changed = self.rows.into_values().map(|planned| planned.after);
        Ok(PlannedRows {
            created,
            changed: changed.chain(restored).collect(),
            drafts,
        })
    }

    /// Writes the columns in which rows differ from the stored rows, which leaves other indexes untouched.
    async fn save(&self, txn: &DatabaseTransaction, with_truths: bool) -> Result<()> {
        let differs = |column: &Column| {
            let mut rows = self.rows.values();
            (with_truths && matches!(column, Column::GroundTruth))
                || rows.any(|row| match column {
                    // Known without a comparison, for which `get` would copy both texts.
                    Column::Result => row.has_new_result,
                    _ => row.before.get(*column) != row.after.get(*column),
                })
        };
        let changed: Vec<Column> = Column::iter().filter(differs).collect();
        let mut rows = self.rows.values();
        match (rows.next(), rows.next()) {
            (None, _) => {}
            (Some(row), None) => {
                let mut columns = annotation::ActiveModel {
                    id: Unchanged(row.before.id),
                    ..Default::default()
                };
                for column in changed {
                    columns.set(column, row.after.get(column));
                }
                columns.update_without_returning(txn).await?;
            }
            _ => {
                let rows: Vec<_> = self.rows.values().map(|row| &row.after).collect();
                bulk::update::<annotation::Entity>(txn, Column::Id, &changed, &rows).await?;
            }
        }
        Ok(())
    }

    async fn insert(
        &mut self,
        txn: &DatabaseTransaction,
        new: Vec<NewRow>,
    ) -> Result<Vec<annotation::Model>> {
        let mut ids = match new.len() {
            // The insert of a single row returns its id, so no id is reserved.
            0 | 1 => None,
            many => Some(bulk::reserve(txn, "annotation", many).await?),
        };
        let mut inserted = Vec::with_capacity(new.len());
        let mut many = Vec::new();
        for NewRow {
            mut row,
            action,
            actor_id,
        } in new
        {
            match &mut ids {
                Some(ids) => {
                    row.id = ids.take();
                    many.push(row.clone().into_active_model().reset_all());
                }
                None => {
                    let mut columns = row.into_active_model().reset_all();
                    columns.id = NotSet;
                    row = columns
                        .insert(txn)
                        .await
                        .map_err(|error| unless_unique(error, || used_unique_id().into()))?;
                }
            }
            let changes = Changes::of_new(&row);
            self.revise(actor_id, &row, Event::Created, action, changes)?;
            inserted.push(row);
        }
        bulk::insert(txn, many)
            .await
            .map_err(|error| unless_unique(error, || used_unique_id().into()))?;
        Ok(inserted)
    }

    /// Updates the search index for changed, new and restored rows.
    async fn index<'r>(
        &mut self,
        txn: &DatabaseTransaction,
        new: impl Iterator<Item = &'r annotation::Model>,
    ) -> Result<()> {
        for row in self.rows.values_mut() {
            // The index compares terms by the configs of both projects, so it needs the unchanged result twice.
            if !row.has_new_result && row.moves_to_project() {
                row.before.result.clone_from(&row.after.result);
            }
        }
        let changed = self.rows.values();
        let changed = changed.filter(|row| row.has_new_result || row.moves_to_project());
        let changed = changed.map(|row| (Some(&row.before), &row.after));
        let all: Vec<_> = changed.chain(new.map(|row| (None, row))).collect();
        index::write(txn, &all, &self.configs).await
    }

    async fn tombstone(&mut self, txn: &DatabaseTransaction) -> Result<()> {
        if self.deleted.is_empty() {
            return Ok(());
        }
        tombstone(txn, std::mem::take(&mut self.deleted)).await
    }

    /// Inserts restored annotations in place of their tombstones.
    async fn insert_restored(
        &mut self,
        txn: &DatabaseTransaction,
    ) -> Result<Vec<annotation::Model>> {
        let restored = std::mem::take(&mut self.restored);
        if restored.is_empty() {
            return Ok(restored);
        }
        let ids: Vec<i64> = restored.iter().map(|row| row.id).collect();
        let rows = restored.iter().cloned();
        let rows = rows.map(|row| row.into_active_model().reset_all());
        let inserted = bulk::insert(txn, rows.collect()).await;
        inserted.map_err(|error| unless_unique(error, unique_id_taken))?;
        annotation_tombstone::Entity::delete_many()
            .filter(annotation_tombstone::Column::AnnotationId.is_in(ids))
            .exec(txn)
            .await?;
        Ok(restored)
    }
}

/// Deletes annotations. Tombstones keep the fields that the history lacks, so that annotations can be restored.
pub async fn tombstone(txn: &DatabaseTransaction, deleted: Vec<annotation::Model>) -> Result<()> {
    annotation::Entity::delete_many()
        .filter(Column::Id.is_in(deleted.iter().map(|row| row.id)))
        .exec(txn)
        .await?;
    let tombstones = deleted.into_iter().map(|row| {
        let tombstone = annotation_tombstone::Model {
            annotation_id: row.id,
            project_id: row.project_id,
            unique_id: row.unique_id,
            created_at: row.created_at,
            draft_created_at: row.draft_created_at,
            import_id: row.import_id,
            parent_prediction_id: row.parent_prediction_id,
            parent_annotation_id: row.parent_annotation_id,
            extra: row.extra,
        };
        tombstone.into_active_model().reset_all()
    });
    Ok(bulk::insert(txn, tombstones.collect()).await?)
}

/// Refuses a unique id that a parallel writer took between the check and the insert.
fn unless_unique(error: DbErr, refusal: impl FnOnce() -> Error) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => refusal(),
        _ => error.into(),
    }
}
