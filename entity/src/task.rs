//! One piece of data to annotate, with counters over its annotations.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub project_id: i64,
    /// A JSON object, as text.
    #[sea_orm(column_type = "Text")]
    pub data: String,
    /// A JSON object, as text.
    #[sea_orm(column_type = "Text", nullable)]
    pub meta: Option<String>,
    /// How many different people have to annotate the task.
    pub overlap: i32,
    /// Distinct authors of uncancelled annotations (no author counts as one) reach the overlap.
    pub is_labeled: bool,
    /// Annotations that are not cancelled.
    pub total_annotations: i32,
    pub cancelled_annotations: i32,
    pub total_predictions: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub updated_by_id: Option<i64>,
    /// The task's id in the system it was imported from.
    pub import_id: Option<i64>,
    /// The import that wrote the task, while that import runs.
    pub import_job_id: Option<i64>,
    /// A JSON object, as text: fields of the imported task that have no column.
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
    /// 1 at first, one more with every change by `updateTask`; nothing else raises it.
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::project::Entity",
        from = "Column::ProjectId",
        to = "super::project::Column::Id",
        on_delete = "Cascade"
    )]
    Project,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::UpdatedById",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    UpdatedBy,
    #[sea_orm(
        belongs_to = "super::import_job::Entity",
        from = "Column::ImportJobId",
        to = "super::import_job::Column::Id",
        on_delete = "Cascade"
    )]
    ImportJob,
    #[sea_orm(has_many = "super::annotation::Entity")]
    Annotation,
    #[sea_orm(has_many = "super::prediction::Entity")]
    Prediction,
}

impl Related<super::project::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Project.def()
    }
}

impl Related<super::annotation::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Annotation.def()
    }
}

impl Related<super::prediction::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Prediction.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
