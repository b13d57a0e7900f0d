//! Losses of access: roles and memberships that a user had and lost. Triggers write a row for each loss; a sweep merges
//! the rows of a user.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_loss")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// User who lost the access; may be deleted by now.
    pub user_id: i64,
    /// Number of losses that the row stands for.
    pub losses: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
