//! User: a person who annotates or manages, here or in the system that data was imported from.

use casefold::fold;
use sea_orm::{ActiveValue::Set, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Unique; contains no `@`.
    #[sea_orm(unique)]
    pub username: String,
    /// Username, folded for search without regard to case: set by [`fold`] with every save.
    pub username_folded: String,
    /// Name to show instead of the username; empty when not given.
    pub display_name: String,
    /// Display name, folded like the username.
    pub display_name_folded: String,
    #[sea_orm(unique)]
    pub email: Option<String>,
    pub role: Role,
    /// Id of the user in the system of origin, unique. Set only for users without sign-in that an import created.
    #[sea_orm(unique)]
    pub import_id: Option<i64>,
    /// False for users known only from imported data, and for users whom an admin locked out.
    pub can_sign_in: bool,
    pub created_at: DateTimeUtc,
}

/// Rights of a user beyond memberships of projects.
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
        // Folds with every save, so that no write can forget the search columns.
        if let Set(username) = &self.username {
            self.username_folded = Set(fold(username));
        }
        if let Set(name) = &self.display_name {
            self.display_name_folded = Set(fold(name));
        }
        Ok(self)
    }
}
