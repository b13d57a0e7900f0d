//! Term: entry of the search index, a row per annotation and label, region type or answer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_term")]
pub struct Model {
    /// Number of a region type, or the first bits of the digest of a label or answer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub term: i64,
    /// Same as the annotation's project.
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
