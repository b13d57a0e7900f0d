//! Answer of an annotation to a control of the config, for filters: a row per distinct answer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_answer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub annotation_id: i64,
    /// 64 bits of the SHA-256 of control and answer, disjoint from the bits of the answer's term.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: i64,
    /// Name of the control.
    #[sea_orm(column_type = "Text")]
    pub from_name: String,
    /// Text, folded for search without regard to case. For a path (taxonomy) its parent levels; the last level has a
    /// row of its own. Null for numbers.
    #[sea_orm(column_type = "Text", nullable)]
    pub folded: Option<String>,
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
