//! Replaced draft: content that a save replaced, kept for a day.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "replaced_draft")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub draft_id: i64,
    /// JSON list of regions, as text.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    /// Time at which the content was saved.
    pub saved_at: DateTimeUtc,
    /// Time at which another save replaced the content.
    pub replaced_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::annotation_draft::Entity",
        from = "Column::DraftId",
        to = "super::annotation_draft::Column::Id",
        on_delete = "Cascade"
    )]
    Draft,
}

impl ActiveModelBehavior for ActiveModel {}
