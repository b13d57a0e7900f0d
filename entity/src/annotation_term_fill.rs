//! Annotations that were there before their terms were: one row while some of them wait for theirs.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_term_fill")]
pub struct Model {
    /// The last of them.
    #[sea_orm(primary_key, auto_increment = false)]
    pub last_id: i64,
    /// They have their terms up to here.
    pub done_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
