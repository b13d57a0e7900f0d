//! Task: an item to annotate, with counters of its annotations.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub project_id: i64,
    /// JSON object, as text.
    #[sea_orm(column_type = "Text")]
    pub data: String,
    /// JSON object, as text.
    #[sea_orm(column_type = "Text", nullable)]
    pub meta: Option<String>,
    /// Number of distinct authors after which the task counts as labelled.
    pub overlap: i32,
    /// True when distinct authors of uncancelled annotations reach the overlap. Annotations without an author count
    /// as a single author.
    pub is_labeled: bool,
    /// Number of annotations that are not cancelled.
    pub total_annotations: i32,
    pub cancelled_annotations: i32,
    pub total_predictions: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub updated_by_id: Option<i64>,
    /// Id of the task in the system of origin.
    pub import_id: Option<i64>,
    /// Import that wrote the task, while the import is running.
    pub import_job_id: Option<i64>,
    /// JSON object, as text: fields of the imported task without a column.
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
    /// Counter of changes by `updateTask`, from 1; no other change raises it.
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
