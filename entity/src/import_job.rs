//! Run of an import. A row outlives the import only when the import died.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_job")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub project_id: i64,
    /// True when the import created the project: rolling back then deletes the project too.
    pub created_project: bool,
    /// Ids of users created by the import, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub created_users: String,
    /// Ids of users that the import added as members of the project, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub added_members: String,
    pub started_at: DateTimeUtc,
    /// True when all rows are written. Recovery of a dead import then completes it, by clearing the marks of its
    /// tasks, instead of rolling back.
    pub is_written: bool,
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
}

impl ActiveModelBehavior for ActiveModel {}
