//! Somebody who annotates, manages, or did so in the system that data was imported from.

use casefold::fold;
use sea_orm::{ActiveValue::Set, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique; holds no `@`.
    #[sea_orm(unique)]
    pub username: String,
    /// The username, folded for search without regard to case: [`fold`] of it, set with every save.
    pub username_folded: String,
    /// Shown instead of the username; empty when none was given.
    pub display_name: String,
    /// The display name, folded like the username.
    pub display_name_folded: String,
    #[sea_orm(unique)]
    pub email: Option<String>,
    pub role: Role,
    /// The user's id in the system they were imported from. Set only for users without sign-in that
    /// an import made, one per source id.
    #[sea_orm(unique)]
    pub import_id: Option<i64>,
    /// False for users that exist only because imported data names them, and for those whom an admin shut out.
    pub can_sign_in: bool,
    pub created_at: DateTimeUtc,
}

/// What a user may do beyond their projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    Admin,
    Member,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::api_token::Entity")]
    ApiToken,
    #[sea_orm(has_many = "super::project_member::Entity")]
    ProjectMember,
}

impl Related<super::api_token::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::ApiToken.def()
    }
}

impl Related<super::project_member::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::ProjectMember.def()
    }
}

#[async_trait::async_trait]
impl ActiveModelBehavior for ActiveModel {
    async fn before_save<C>(mut self, _: &C, _: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        if let Set(username) = &self.username {
            self.username_folded = Set(fold(username));
        }
        if let Set(name) = &self.display_name {
            self.display_name_folded = Set(fold(name));
        }
        Ok(self)
    }
}
