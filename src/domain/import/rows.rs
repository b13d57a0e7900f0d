//! Rows of an item, built before the transaction that inserts them, which adds the ids.

use std::{collections::HashSet, sync::Arc};

use entity::{annotation, annotation_draft, annotation_revision, prediction, task};
use label_studio::config::Config;
use sea_orm::ActiveValue::Set;
use uuid::Uuid;

use super::{batch::Import, item, person::Source, problems::Place};
use crate::{
    domain::{
        annotation::index,
        history::{self, Changes},
    },
    error::Result,
};

/// Rows of a task and of the rows below it, without ids.
pub struct Task {
    pub place: Place,
    pub row: task::Model,
    pub predictions: Vec<Prediction>,
    pub annotations: Vec<Annotation>,
    pub drafts: Vec<item::Draft>,
    /// Config by which the results were read for the index.
    pub config: Arc<Config>,
}

/// Row of an annotation without its ids.
pub struct Annotation {
    /// Annotation of the file, without the texts that the row has.
    pub item: item::Annotation,
    pub row: annotation::Model,
    pub index: index::Rows,
}

impl Annotation {
    /// Sets the ids of the annotation and of its task.
    pub fn set_ids(&mut self, id: i64, task_id: i64) {
        self.row.id = id;
        self.row.task_id = task_id;
        for term in &mut self.index.terms {
            term.annotation_id = Set(id);
        }
        for answer in &mut self.index.answers {
            answer.annotation_id = Set(id);
        }
    }
}

/// Row of a prediction without its ids.
pub struct Prediction {
    /// Id in the file.
    pub source: Option<i64>,
    pub row: prediction::Model,
}

impl Import {
    /// Builds the rows of a task, and reads the results by this config for the index.
    pub fn prepare(&self, mut task: item::Task, config: &Arc<Config>) -> Task {
        let row = self.task(&mut task);
        let predictions = task.predictions.into_iter();
        let annotations = task.annotations.into_iter();
        Task {
            place: task.place,
            row,
            predictions: predictions.map(|item| self.prediction(item)).collect(),
            annotations: annotations
                .map(|item| self.annotation(item, config))
                .collect(),
            drafts: task.drafts,
            config: config.clone(),
        }
    }

    fn task(&self, task: &mut item::Task) -> task::Model {
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
            id: 0,
            project_id: self.project_id,
            is_labeled: count(authors.len()) >= task.overlap,
            total_annotations: count(uncancelled.len()),
            cancelled_annotations: count(cancelled.len()),
            total_predictions: count(task.predictions.len()),
            data: std::mem::take(&mut task.data),
            meta: task.meta.take(),
            overlap: task.overlap,
            created_at,
            updated_at: task.updated_at.unwrap_or(created_at),
            updated_by_id: self.user(&task.updated_by),
            import_id: task.import_id,
            import_job_id: self.job_id,
            extra: task.extra.take(),
            // The file's versions do not count: `version` counts the changes made here.
            version: 1,
        }
    }

    fn annotation(&self, mut item: item::Annotation, config: &Config) -> Annotation {
        let created_at = item.created_at.unwrap_or(self.at);
        let row = annotation::Model {
            id: 0,
            // An absent unique id becomes a random id.
            unique_id: item.unique_id.unwrap_or_else(Uuid::new_v4),
            task_id: 0,
            project_id: self.project_id,
            completed_by_id: self.user(&item.completed_by),
            updated_by_id: self.user(&item.updated_by),
            last_created_by_id: self.user(&item.last_created_by),
            result: std::mem::take(&mut item.result),
            region_count: item.region_count,
            last_action: Some(item.last_action),
            was_cancelled: item.was_cancelled,
            ground_truth: item.ground_truth,
            lead_time: item.lead_time,
            created_at,
            updated_at: item.updated_at.unwrap_or(created_at),
            draft_created_at: item.draft_created_at,
            import_id: item.import_id,
            parent_prediction_id: None,
            parent_annotation_id: None,
            version: 1,
            extra: item.extra.take(),
        };
        let index = index::Rows::of(&row, config);
        Annotation { item, row, index }
    }

    fn prediction(&self, item: item::Prediction) -> Prediction {
        let created_at = item.created_at.unwrap_or(self.at);
        let row = prediction::Model {
            id: 0,
            task_id: 0,
            project_id: self.project_id,
            result: item.result,
            score: item.score,
            model_version: item.model_version,
            created_at,
            updated_at: item.updated_at.unwrap_or(created_at),
            import_id: item.import_id,
            extra: item.extra,
            version: 1,
        };
        Prediction {
            source: item.id,
            row,
        }
    }

    /// Builds the row of a draft of this task and, unless it is a new annotation's, of this annotation.
    pub fn draft(
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
pub fn revision(row: &annotation::Model) -> Result<annotation_revision::ActiveModel> {
    let action = row.last_action.unwrap_or(annotation::Action::Imported);
    let actor_id = row.last_created_by_id.or(row.completed_by_id);
    let (event, changes) = (annotation_revision::Event::Created, Changes::of_new(row));
    history::revision(row, event, action, actor_id, row.created_at, changes)
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
