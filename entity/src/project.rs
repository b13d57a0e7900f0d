//! Project: tasks, members and a labelling config.

use casefold::fold;
use sea_orm::{ActiveValue::Set, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub title: String,
    /// Title, folded for search without regard to case: set by [`fold`] with every save.
    pub title_folded: String,
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Label Studio's [labelling config](https://labelstud.io/guide/setup), XML.
    #[sea_orm(column_type = "Text")]
    pub label_config: String,
    /// Counter of changes of `label_config`, from 1.
    pub config_version: i32,
    pub check_mode: CheckMode,
    pub created_by_id: Option<i64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// Counter of changes by `updateProject`, from 1; no other change raises it.
    pub version: i32,
}

/// Strictness of checking results against the project's labelling config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum CheckMode {
    Off,
    #[default]
    Standard,
    Strict,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::CreatedById",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    CreatedBy,
    #[sea_orm(has_many = "super::project_member::Entity")]
    ProjectMember,
    #[sea_orm(has_many = "super::task::Entity")]
    Task,
}

impl Related<super::project_member::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::ProjectMember.def()
    }
}

impl Related<super::task::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Task.def()
    }
}

#[async_trait::async_trait]
impl ActiveModelBehavior for ActiveModel {
    async fn before_save<C>(mut self, _: &C, _: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        // `Unchanged` titles are folded already.
        if let Set(title) = &self.title {
            self.title_folded = Set(fold(title));
        }
        Ok(self)
    }
}
