//! Annotation: a person's answer to a task, with authorship, times and flags.

use sea_orm::{FromQueryResult, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub unique_id: Uuid,
    pub task_id: i64,
    /// Same as the task's project.
    pub project_id: i64,
    /// JSON list of regions, as text.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    /// Number of entries in `result`.
    pub region_count: i32,
    pub completed_by_id: Option<i64>,
    pub updated_by_id: Option<i64>,
    /// Author of the newest revision.
    pub last_created_by_id: Option<i64>,
    pub last_action: Option<Action>,
    pub was_cancelled: bool,
    /// True for at most one annotation per task; enforced by a unique index.
    pub ground_truth: bool,
    /// Seconds, finite, not negative.
    #[sea_orm(column_type = "Double", nullable)]
    pub lead_time: Option<f64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub draft_created_at: Option<DateTimeUtc>,
    /// Id of the annotation in the system of origin.
    pub import_id: Option<i64>,
    pub parent_prediction_id: Option<i64>,
    pub parent_annotation_id: Option<i64>,
    /// Counter of accepted changes, from 1.
    pub version: i32,
    /// JSON object, as text: fields of the imported annotation without a column.
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
}

/// An annotation as read for an answer: without `extra`, and with `result` only when the read asked for it.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Listed {
    pub id: i64,
    pub unique_id: Uuid,
    pub task_id: i64,
    pub project_id: i64,
    /// `None` unless the read asked for it.
    pub result: Option<String>,
    pub region_count: i32,
    pub completed_by_id: Option<i64>,
    pub updated_by_id: Option<i64>,
    pub last_created_by_id: Option<i64>,
    pub last_action: Option<Action>,
    pub was_cancelled: bool,
    pub ground_truth: bool,
    pub lead_time: Option<f64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub draft_created_at: Option<DateTimeUtc>,
    pub import_id: Option<i64>,
    pub parent_prediction_id: Option<i64>,
    pub parent_annotation_id: Option<i64>,
    pub version: i32,
}

impl Model {
    /// The row as an answer holds it, with or without its result.
    pub fn listed(self, has_result: bool) -> Listed {
        Listed {
            id: self.id,
            unique_id: self.unique_id,
            task_id: self.task_id,
            project_id: self.project_id,
            result: has_result.then_some(self.result),
            region_count: self.region_count,
            completed_by_id: self.completed_by_id,
            updated_by_id: self.updated_by_id,
            last_created_by_id: self.last_created_by_id,
            last_action: self.last_action,
            was_cancelled: self.was_cancelled,
            ground_truth: self.ground_truth,
            lead_time: self.lead_time,
            created_at: self.created_at,
            updated_at: self.updated_at,
            draft_created_at: self.draft_created_at,
            import_id: self.import_id,
            parent_prediction_id: self.parent_prediction_id,
            parent_annotation_id: self.parent_annotation_id,
            version: self.version,
        }
    }
}

/// Label Studio's `last_action`: kind of the newest revision (<https://labelstud.io/guide/export>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Action {
    Prediction,
    PropagatedAnnotation,
    Imported,
    Submitted,
    Updated,
    Skipped,
    Accepted,
    Rejected,
    FixedAndAccepted,
    DeletedReview,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::task::Entity",
        from = "Column::TaskId",
        to = "super::task::Column::Id",
        on_delete = "Cascade"
    )]
    Task,
    #[sea_orm(
        belongs_to = "super::project::Entity",
        from = "Column::ProjectId",
        to = "super::project::Column::Id",
        on_delete = "Cascade"
    )]
    Project,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::CompletedById",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    CompletedBy,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::UpdatedById",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    UpdatedBy,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::LastCreatedById",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    LastCreatedBy,
    #[sea_orm(
        belongs_to = "super::prediction::Entity",
        from = "Column::ParentPredictionId",
        to = "super::prediction::Column::Id",
        on_delete = "SetNull"
    )]
    ParentPrediction,
    #[sea_orm(
        belongs_to = "Entity",
        from = "Column::ParentAnnotationId",
        to = "Column::Id",
        on_delete = "SetNull"
    )]
    ParentAnnotation,
}

impl Related<super::task::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Task.def()
    }
}

impl Related<super::project::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Project.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
