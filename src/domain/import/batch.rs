//! Writes a batch of tasks with annotations, predictions and drafts in a single transaction.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use entity::{annotation, annotation_draft, annotation_revision, prediction, task};
use label_studio::config::Config;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, IntoActiveModel};
use uuid::Uuid;

use super::{import_lock, item, parents::Parents, person::Source, problems::Notes};
use crate::{
    app::App,
    domain::{
        annotation::{index, used_unique_ids},
        bulk::{self, Ids},
        history::{self, Changes},
        labelling,
    },
    error::Result,
};

/// Context shared by all batches of an import.
pub struct Import<'a> {
    pub app: &'a App,
    /// Job's id, for imports of several transactions.
    pub job_id: Option<i64>,
    pub project_id: i64,
    pub users: &'a HashMap<Source, i64>,
    /// Default for dates missing in the file.
    pub at: DateTime<Utc>,
}

#[derive(Default)]
struct Rows {
    tasks: Vec<task::ActiveModel>,
    predictions: Vec<prediction::ActiveModel>,
    annotations: Vec<annotation::ActiveModel>,
    index: index::Rows,
    revisions: Vec<annotation_revision::ActiveModel>,
    drafts: Vec<annotation_draft::ActiveModel>,
}

struct BatchIds {
    tasks: Ids,
    predictions: Ids,
    annotations: Ids,
}

impl Import<'_> {
    /// Inserts tasks with annotations, predictions and drafts. Adds what the import changes in them to the notes.
    pub async fn write(
        &self,
        tasks: Vec<item::Task>,
        parents: &mut Parents,
        notes: &mut Notes,
    ) -> Result<()> {
        let txn = self.app.db.begin().await?;
        import_lock::acquire(&txn).await?;
        self.write_in(&txn, tasks, parents, notes).await?;
        txn.commit().await?;
        Ok(())
    }

    /// Writes a batch in a transaction that holds the lock of imports. Returns the ids of the tasks.
    pub async fn write_in(
        &self,
        txn: &DatabaseTransaction,
        tasks: Vec<item::Task>,
        parents: &mut Parents,
        notes: &mut Notes,
    ) -> Result<Vec<i64>> {
        let predictions = tasks.iter().map(|task| task.predictions.len()).sum();
        let annotations = tasks.iter().map(|task| task.annotations.len()).sum();
        // Reserves ids first, since rows of the batch refer to each other.
        let mut ids = BatchIds {
            tasks: bulk::reserve(txn, "task", tasks.len()).await?,
            predictions: bulk::reserve(txn, "prediction", predictions).await?,
            annotations: bulk::reserve(txn, "annotation", annotations).await?,
        };
        let sent = tasks.iter().flat_map(|task| &task.annotations);
        let sent: Vec<Uuid> = sent.filter_map(|annotation| annotation.unique_id).collect();
        let mut taken = used_unique_ids(txn, &sent).await?;
        // Holds the config until the commit: the index entries depend on the config.
        let held = labelling::held(self.app, txn, &[self.project_id]).await?;
        let config = held.get(&self.project_id);
        let config = config.map_or_else(Arc::default, |labelling| labelling.config.clone());
        let mut rows = Rows::default();
        parents.begin_batch();
        for mut task in tasks {
            settle_ground_truth(&mut task, notes);
            settle_unique_ids(&mut task, &mut taken, notes);
            self.add(task, &config, &mut ids, &mut rows, parents, notes)?;
        }
        let task_ids = rows.tasks.iter().filter_map(|task| task.id.try_as_ref());
        let task_ids = task_ids.copied().collect();
        // Inserts in the order of foreign keys: tasks first, then predictions, which annotations may have as parents.
        bulk::insert(txn, rows.tasks).await?;
        bulk::insert(txn, rows.predictions).await?;
        bulk::insert(txn, rows.annotations).await?;
        rows.index.insert(txn).await?;
        bulk::insert(txn, rows.revisions).await?;
        bulk::insert(txn, rows.drafts).await?;
        Ok(task_ids)
    }

    fn add(
        &self,
        task: item::Task,
        config: &Config,
        ids: &mut BatchIds,
        rows: &mut Rows,
        parents: &mut Parents,
        notes: &mut Notes,
    ) -> Result<()> {
        let task_id = ids.tasks.take();
        rows.tasks.push(self.task(task_id, &task));
        for prediction in task.predictions {
            let id = ids.predictions.take();
            parents.add_prediction(prediction.id, id);
            rows.predictions
                .push(self.prediction(id, task_id, prediction));
        }
        let mut own_ids = HashMap::new();
        for annotation in task.annotations {
            let id = ids.annotations.take();
            own_ids.extend(annotation.id.map(|source| (source, id)));
            parents.add_annotation(annotation.id, id);
            let parent_ids = parents.of(task.place, task_id, id, &annotation);
            let row = self.annotation(id, task_id, annotation, parent_ids);
            rows.revisions.push(revision(&row)?);
            // Indexes against the same config that the transaction holds.
            rows.index.extend([index::Rows::of(&row, config)]);
            rows.annotations.push(row.into_active_model().reset_all());
        }
        for draft in task.drafts {
            let annotation_id = draft.annotation.and_then(|id| own_ids.get(&id).copied());
            if let (Some(id), None) = (draft.annotation, annotation_id) {
                let within = ["drafts".into(), draft.index.into(), "annotation".into()];
                let message = format!("the task has no annotation {id}: now null");
                notes.push(task.place, within, message);
            }
            rows.drafts.push(self.draft(task_id, annotation_id, draft));
        }
        Ok(())
    }

    fn task(&self, id: i64, task: &item::Task) -> task::ActiveModel {
        let (cancelled, uncancelled): (Vec<_>, Vec<_>) = task
            .annotations
            .iter()
            .partition(|annotation| annotation.was_cancelled);
        // Counts from the items alone: the tasks are new, so the database holds no further annotations.
        let authors: HashSet<_> = uncancelled
            .iter()
            .map(|annotation| self.user(&annotation.completed_by))
            .collect();
        let created_at = task.created_at.unwrap_or(self.at);
        task::Model {
            id,
            project_id: self.project_id,
            data: task.data.clone(),
            meta: task.meta.clone(),
            overlap: task.overlap,
            is_labeled: count(authors.len()) >= task.overlap,
            total_annotations: count(uncancelled.len()),
            cancelled_annotations: count(cancelled.len()),
            total_predictions: count(task.predictions.len()),
            created_at,
            updated_at: task.updated_at.unwrap_or(created_at),
            updated_by_id: self.user(&task.updated_by),
            import_id: task.import_id,
            import_job_id: self.job_id,
            extra: task.extra.clone(),
            // The file's versions do not count: `version` counts the changes made here.
            version: 1,
        }
        .into_active_model()
        .reset_all()
    }

    fn annotation(
        &self,
        id: i64,
        task_id: i64,
        item: item::Annotation,
        (parent_prediction_id, parent_annotation_id): (Option<i64>, Option<i64>),
    ) -> annotation::Model {
        let created_at = item.created_at.unwrap_or(self.at);
        annotation::Model {
            id,
            // An absent or replaced unique id gets a new random id.
            unique_id: item.unique_id.unwrap_or_else(Uuid::new_v4),
            task_id,
            project_id: self.project_id,
            completed_by_id: self.user(&item.completed_by),
            updated_by_id: self.user(&item.updated_by),
            last_created_by_id: self.user(&item.last_created_by),
            result: item.result,
            region_count: item.region_count,
            last_action: Some(item.last_action),
            was_cancelled: item.was_cancelled,
            ground_truth: item.ground_truth,
            lead_time: item.lead_time,
            created_at,
            updated_at: item.updated_at.unwrap_or(created_at),
            draft_created_at: item.draft_created_at,
            import_id: item.import_id,
            parent_prediction_id,
            parent_annotation_id,
            version: 1,
            extra: item.extra,
        }
    }

    fn prediction(&self, id: i64, task_id: i64, item: item::Prediction) -> prediction::ActiveModel {
        let created_at = item.created_at.unwrap_or(self.at);
        prediction::Model {
            id,
            task_id,
            project_id: self.project_id,
            result: item.result,
            score: item.score,
            model_version: item.model_version,
            created_at,
            updated_at: item.updated_at.unwrap_or(created_at),
            import_id: item.import_id,
            extra: item.extra,
            version: 1,
        }
        .into_active_model()
        .reset_all()
    }

    fn draft(
        &self,
        task_id: i64,
        annotation_id: Option<i64>,
        item: item::Draft,
    ) -> annotation_draft::ActiveModel {
        let created_at = item.created_at.unwrap_or(self.at);
        annotation_draft::ActiveModel {
            task_id: Set(task_id),
            annotation_id: Set(annotation_id),
            user_id: Set(self.users[&item.user]),
            result: Set(item.result),
            lead_time: Set(item.lead_time),
            created_at: Set(created_at),
            updated_at: Set(item.updated_at.unwrap_or(created_at)),
            import_id: Set(item.import_id),
            extra: Set(item.extra),
            ..Default::default()
        }
    }

    /// Looks up a user; each person of the batch was resolved before.
    fn user(&self, source: &Option<Source>) -> Option<i64> {
        source.as_ref().map(|source| self.users[source])
    }
}

/// First revision of an imported annotation, at the time and by the author that the import names.
fn revision(row: &annotation::Model) -> Result<annotation_revision::ActiveModel> {
    let action = row.last_action.unwrap_or(annotation::Action::Imported);
    let actor_id = row.last_created_by_id.or(row.completed_by_id);
    let (event, changes) = (annotation_revision::Event::Created, Changes::of_new(row));
    history::revision(row, event, action, actor_id, row.created_at, changes)
}

/// Keeps the last of several ground truths of a task, and notes the rest.
fn settle_ground_truth(task: &mut item::Task, notes: &mut Notes) {
    let is_truth = |annotation: &&mut item::Annotation| annotation.ground_truth;
    // Keeps the last: later items of a file are the newer decisions.
    for other in task.annotations.iter_mut().filter(is_truth).rev().skip(1) {
        other.ground_truth = false;
        notes.push(
            task.place,
            [other.list.into(), other.index.into(), "ground_truth".into()],
            "a later annotation of the task is its ground truth: now false",
        );
    }
}

/// Replaces unique ids that are in use, in the database or earlier in the file.
fn settle_unique_ids(task: &mut item::Task, taken: &mut HashSet<Uuid>, notes: &mut Notes) {
    for annotation in &mut task.annotations {
        let Some(unique_id) = annotation.unique_id else {
            continue;
        };
        if !taken.insert(unique_id) {
            annotation.unique_id = None;
            let list = annotation.list.into();
            notes.push(
                task.place,
                [list, annotation.index.into(), "unique_id".into()],
                format!("{unique_id} is taken: now another"),
            );
        }
    }
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
