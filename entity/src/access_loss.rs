//! A role or membership that a user had and lost. Triggers write these rows.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_loss")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Who lost it. They may be gone by now.
    pub user_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
