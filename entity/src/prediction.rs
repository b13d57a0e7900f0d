//! Prediction: a result that a model proposed for a task.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "prediction")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub task_id: i64,
    pub project_id: i64,
    /// JSON list of regions, as text.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    #[sea_orm(column_type = "Double", nullable)]
    pub score: Option<f64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub model_version: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// Id of the prediction in the system of origin.
    pub import_id: Option<i64>,
    /// JSON object, as text: fields of the imported prediction without a column.
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
    /// Counter of changes by `updatePrediction`, from 1; no other change raises it.
    pub version: i32,
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
