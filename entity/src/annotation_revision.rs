//! The history of annotations, which is the event log too: one row per accepted change, never rewritten.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_revision")]
pub struct Model {
    /// Rises with commit order on SQLite; on PostgreSQL only within one annotation, where `event` has the order.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// No foreign key: a deleted annotation keeps its history.
    pub annotation_id: i64,
    pub version: i32,
    pub event: Event,
    pub action: super::annotation::Action,
    /// Where the annotation was after the change.
    pub task_id: i64,
    pub project_id: i64,
    /// Where it was before, when the change moved it. No foreign keys, for the same reason.
    pub from_task_id: Option<i64>,
    pub from_project_id: Option<i64>,
    pub actor_id: Option<i64>,
    /// Who stood as the annotation's last updater after the change: the actor, unless they named another.
    pub updated_by_id: Option<i64>,
    pub created_at: DateTimeUtc,
    /// A JSON object, as text: the new value of every changed field but `result`, which is here as
    /// `null` to say that it changed.
    #[sea_orm(column_type = "Text")]
    pub changes: String,
    /// The new `result`, only when it changed.
    #[sea_orm(column_type = "Text", nullable)]
    pub result: Option<String>,
}

/// What happened to the annotation as a row.
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
