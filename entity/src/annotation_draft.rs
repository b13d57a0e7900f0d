//! Draft: an unfinished annotation, either of a task or as a change of an annotation.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_draft")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub task_id: i64,
    /// Annotation that the draft changes; null for a new annotation.
    pub annotation_id: Option<i64>,
    pub user_id: i64,
    /// JSON list of regions, as text.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    /// Seconds, finite, not negative.
    #[sea_orm(column_type = "Double", nullable)]
    pub lead_time: Option<f64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// Id of the draft in the system of origin.
    pub import_id: Option<i64>,
    /// JSON object, as text: fields of the imported draft without a column.
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
    /// True when saves of the author go to this draft: one per author for each task and each annotation. False for
    /// imported drafts.
    pub is_autosave: bool,
    /// Version of the annotation that the draft started from; null for a new annotation, and when unknown.
    pub annotation_version: Option<i32>,
    /// Counter of changes by `saveDraft`, from 1; no other change raises it.
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::task::Entity",
        from = "Column::TaskId",
        to = "super::task::Column::Id",
        on_delete = "Cascade"
    )]
    Task,
    #[sea_orm(
        belongs_to = "super::annotation::Entity",
        from = "Column::AnnotationId",
        to = "super::annotation::Column::Id",
        on_delete = "Cascade"
    )]
    Annotation,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::UserId",
        to = "super::user::Column::Id",
        on_delete = "Cascade"
    )]
    User,
}

impl ActiveModelBehavior for ActiveModel {}
