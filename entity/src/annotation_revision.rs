//! Revision: a row per accepted change of an annotation, never rewritten. The history is the event log, too.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_revision")]
pub struct Model {
    /// Follows the commit order on SQLite. On PostgreSQL follows the order within an annotation only; `event` has the
    /// commit order.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// No foreign key: the history outlives the annotation.
    pub annotation_id: i64,
    pub version: i32,
    pub event: Event,
    pub action: super::annotation::Action,
    /// Task of the annotation after the change.
    pub task_id: i64,
    pub project_id: i64,
    /// Task and project before the change, when the change moved the annotation. No foreign keys: the history
    /// outlives both.
    pub from_task_id: Option<i64>,
    pub from_project_id: Option<i64>,
    pub actor_id: Option<i64>,
    /// The annotation's `updated_by` after the change: the actor, unless the actor named another user.
    pub updated_by_id: Option<i64>,
    pub created_at: DateTimeUtc,
    /// JSON object, as text: new values of all changed fields. A changed `result` appears as `null`; its value is in
    /// the column `result`.
    #[sea_orm(column_type = "Text")]
    pub changes: String,
    /// New `result`; null when unchanged.
    #[sea_orm(column_type = "Text", nullable)]
    pub result: Option<String>,
}

/// Kind of change of the annotation's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Event {
    Created,
    Updated,
    Deleted,
    Restored,
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
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::ActorId",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    Actor,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::UpdatedById",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    UpdatedBy,
}

impl ActiveModelBehavior for ActiveModel {}
