//! One run of an import. A row outlives its import only when that import died midway.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_job")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub project_id: i64,
    /// The import made its project, so taking it back removes the project too.
    pub created_project: bool,
    /// Ids of the users that the import made, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub created_users: String,
    /// Ids of the users whom the import made members of the project, as a JSON list.
    #[sea_orm(column_type = "Text")]
    pub added_members: String,
    pub started_at: DateTimeUtc,
    /// Everything is in the database: what an import that died here left to do is to clear the marks of
    /// its tasks, not to take them back.
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
