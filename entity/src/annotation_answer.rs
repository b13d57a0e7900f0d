//! What an annotation answers to the controls of its config, for filters: a row for each different answer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_answer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub annotation_id: i64,
    /// 64 bits of the SHA-256 of control and answer, other ones than the answer's term has.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: i64,
    /// The control.
    #[sea_orm(column_type = "Text")]
    pub from_name: String,
    /// The text, folded for search without regard to case; of a path the levels around its last one, which has a
    /// row of its own. Null for a number.
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
