//! What annotations are found by that only their results tell: a row for each label and kind of region of each.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_term")]
pub struct Model {
    /// A kind of region, or the head of a label's digest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub term: i64,
    /// Always the annotation's project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub annotation_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::annotation::Entity",
        from = "Column::AnnotationId",
        to = "super::annotation::Column::Id",
        on_delete = "Cascade"
    )]
    Annotation,
}

impl ActiveModelBehavior for ActiveModel {}
