//! Somebody's unfinished annotation: of a task, or a change of an annotation that exists.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_draft")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub task_id: i64,
    /// The annotation that the draft changes; null for a new one.
    pub annotation_id: Option<i64>,
    pub user_id: i64,
    /// A JSON list of regions, as text.
    #[sea_orm(column_type = "Text")]
    pub result: String,
    /// Seconds, finite, not negative.
    #[sea_orm(column_type = "Double", nullable)]
    pub lead_time: Option<f64>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// The draft's id in the system it was imported from.
    pub import_id: Option<i64>,
    /// A JSON object, as text: fields of the imported draft that have no column.
    #[sea_orm(column_type = "Text", nullable)]
    pub extra: Option<String>,
    /// The one that its author's saves go to: one of each task, and one of each annotation. Imported ones
    /// are none.
    pub is_autosave: bool,
    /// The version of the annotation that the draft was begun at; null for a new one, and where nobody noted it.
    pub annotation_version: Option<i32>,
    /// 1 at first, one more with every change by `saveDraft`; nothing else raises it.
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
