//! Tombstone: the columns of a deleted annotation that its revisions lack. Makes undeletion possible.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_tombstone")]
pub struct Model {
    /// No foreign key: the annotation is deleted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub annotation_id: i64,
    pub project_id: i64,
    /// May be reused by other annotations after the deletion.
    pub unique_id: Uuid,
    pub created_at: DateTimeUtc,
    pub draft_created_at: Option<DateTimeUtc>,
    pub import_id: Option<i64>,
    /// No foreign keys: undeletion checks whether the parents still exist.
    pub parent_prediction_id: Option<i64>,
    pub parent_annotation_id: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
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
