//! Writes a batch of tasks with annotations, predictions and drafts in a single transaction.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};
use entity::{annotation, annotation_draft, annotation_revision, prediction, task};
use label_studio::config::Config;
use sea_orm::{ActiveModelTrait, DatabaseTransaction, IntoActiveModel};
use uuid::Uuid;

use super::{
    import_lock,
    parents::Parents,
    person::Source,
    problems::Notes,
    rows::{self, Prediction, Task},
};
use crate::{
    app::App,
    domain::{
        annotation::{index, used_unique_ids},
        bulk::{self, Ids},
        labelling,
    },
    error::Result,
};

/// Context shared by all batches of an import.
pub struct Import {
    /// Job's id, for imports of several transactions.
    pub job_id: Option<i64>,
    pub project_id: i64,
    pub users: HashMap<Source, i64>,
    /// Default for dates missing in the file.
    pub at: DateTime<Utc>,
    /// Config by which results are read ahead of their batch, the newest known.
    config: RwLock<Arc<Config>>,
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

impl Import {
    /// Creates the context of an import into a project whose config is unknown yet: see [`Self::set_config`].
    pub fn new(
        job_id: Option<i64>,
        project_id: i64,
        users: HashMap<Source, i64>,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            job_id,
            project_id,
            users,
            at,
            config: RwLock::default(),
        }
    }

    /// Config by which results are read ahead of their batch.
    pub fn config(&self) -> Arc<Config> {
        let config = self.config.read();
        config.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the config by which further results are read.
    pub fn set_config(&self, config: Arc<Config>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Reads the project's config, without a lock: a batch compares it with the config that its transaction holds.
    pub async fn read_config(&self, app: &App) -> Result<()> {
        let mut configs = labelling::configs(app, &[self.project_id]).await?;
        self.set_config(configs.remove(&self.project_id).unwrap_or_default());
        Ok(())
    }

    /// Inserts tasks with annotations, predictions and drafts. Adds what the import changes in them to the notes.
    pub async fn write(
        &self,
        app: &App,
        tasks: Vec<Task>,
        parents: &mut Parents,
        notes: &mut Notes,
    ) -> Result<()> {
        let txn = app.db.begin().await?;
        import_lock::acquire(&txn).await?;
        self.write_in(app, &txn, tasks, parents, notes).await?;
        txn.commit().await?;
        Ok(())
    }

    /// Writes a batch in a transaction that holds the lock of imports. Returns the ids of the tasks.
    pub async fn write_in(
        &self,
        app: &App,
        txn: &DatabaseTransaction,
        tasks: Vec<Task>,
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
        let sent = sent.filter_map(|annotation| annotation.item.unique_id);
        let sent: Vec<Uuid> = sent.collect();
        let mut taken = used_unique_ids(txn, &sent).await?;
        // Holds the config until the commit: the index entries depend on the config.
        let held = labelling::held(app, txn, &[self.project_id]).await?;
        let config = held.get(&self.project_id);
        let config = config.map_or_else(Arc::default, |labelling| labelling.config.clone());
        self.set_config(config.clone());
        let mut rows = Rows::default();
        parents.begin_batch();
        for mut task in tasks {
            read_again(&mut task, &config);
            settle_ground_truth(&mut task, notes);
            settle_unique_ids(&mut task, &mut taken, notes);
            self.add(task, &mut ids, &mut rows, parents, notes)?;
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
        mut task: Task,
        ids: &mut BatchIds,
        rows: &mut Rows,
        parents: &mut Parents,
        notes: &mut Notes,
    ) -> Result<()> {
        let task_id = ids.tasks.take();
        task.row.id = task_id;
        rows.tasks.push(task.row.into_active_model().reset_all());
        for Prediction { source, mut row } in task.predictions {
            row.id = ids.predictions.take();
            row.task_id = task_id;
            parents.add_prediction(source, row.id);
            rows.predictions.push(row.into_active_model().reset_all());
        }
        let mut own_ids = HashMap::new();
        for mut annotation in task.annotations {
            let id = ids.annotations.take();
            annotation.set_ids(id, task_id);
            let rows::Annotation {
                item,
                mut row,
                index,
            } = annotation;
            own_ids.extend(item.id.map(|source| (source, id)));
            parents.add_annotation(item.id, id);
            (row.parent_prediction_id, row.parent_annotation_id) =
                parents.of(task.place, task_id, id, &item);
            rows.revisions.push(rows::revision(&row)?);
            rows.index.extend([index]);
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
}

/// Reads the results again for the index if the config that the transaction holds reads them in a different way.
fn read_again(task: &mut Task, config: &Arc<Config>) {
    if Arc::ptr_eq(&task.config, config) || task.config.reads_like(config) {
        return;
    }
    for annotation in &mut task.annotations {
        annotation.index = index::Rows::of(&annotation.row, config);
    }
}

/// Keeps the last of several ground truths of a task, and notes the rest.
fn settle_ground_truth(task: &mut Task, notes: &mut Notes) {
    let is_truth = |annotation: &&mut rows::Annotation| annotation.row.ground_truth;
    // Keeps the last: later items of a file are the newer decisions.
    for other in task.annotations.iter_mut().filter(is_truth).rev().skip(1) {
        other.row.ground_truth = false;
        let (list, index) = (other.item.list, other.item.index);
        notes.push(
            task.place,
            [list.into(), index.into(), "ground_truth".into()],
            "a later annotation of the task is its ground truth: now false",
        );
    }
}

/// Replaces unique ids that are in use, in the database or earlier in the file.
fn settle_unique_ids(task: &mut Task, taken: &mut HashSet<Uuid>, notes: &mut Notes) {
    for annotation in &mut task.annotations {
        let Some(unique_id) = annotation.item.unique_id else {
            continue;
        };
        if !taken.insert(unique_id) {
            annotation.row.unique_id = Uuid::new_v4();
            let (list, index) = (annotation.item.list, annotation.item.index);
            notes.push(
                task.place,
                [list.into(), index.into(), "unique_id".into()],
                format!("{unique_id} is taken: now another"),
            );
        }
    }
}
