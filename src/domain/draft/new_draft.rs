//! New drafts: of a first save, and of a deleted annotation.

use chrono::{DateTime, Utc};
use entity::annotation_draft;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction};

use crate::error::Result;

/// Draft to insert, to which later saves of its author go.
pub(in crate::domain) struct NewDraft {
    pub task_id: i64,
    /// Annotation that the draft changes; `None` for a new annotation.
    pub annotation_id: Option<i64>,
    /// Version of the annotation that the draft starts from.
    pub annotation_version: Option<i32>,
    pub user_id: i64,
    /// List of regions as JSON text.
    pub result: String,
    /// Seconds, without a negative zero.
    pub lead_time: Option<f64>,
    /// Time of the first save.
    pub at: DateTime<Utc>,
}

impl NewDraft {
    /// Inserts the draft. Fails on a second draft of the same target: each user has a single draft to save to.
    pub async fn insert(self, txn: &DatabaseTransaction) -> Result<annotation_draft::Model> {
        let row = annotation_draft::ActiveModel {
            task_id: Set(self.task_id),
            annotation_id: Set(self.annotation_id),
            annotation_version: Set(self.annotation_version),
            user_id: Set(self.user_id),
            result: Set(self.result),
            lead_time: Set(self.lead_time),
            created_at: Set(self.at),
            updated_at: Set(self.at),
            is_autosave: Set(true),
            ..Default::default()
        };
        Ok(row.insert(txn).await?)
    }
}
