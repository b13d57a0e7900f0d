//! Event: the number of a committed revision. On SQLite a view of the revisions' ids.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Follows the commit order, with gaps.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// No foreign key: numbering must not fail when a revision is deleted meanwhile.
    #[sea_orm(unique)]
    pub revision_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
