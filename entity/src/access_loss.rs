//! Loss of access: a role or membership that a user had and lost. Rows are written by triggers.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_loss")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// User who lost the access; may be deleted by now.
    pub user_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
