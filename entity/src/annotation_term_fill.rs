//! Progress of filling the search index for annotations older than the index: a single row while some wait.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_term_fill")]
pub struct Model {
    /// Last annotation to be filled.
    #[sea_orm(primary_key, auto_increment = false)]
    pub last_id: i64,
    /// Annotations up to this id are filled.
    pub done_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
