//! Identity of the event log: a single row.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_log")]
pub struct Model {
    /// Random id, part of every cursor. Renewed when a backup is restored, because sequence numbers repeat
    /// afterwards.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub generation: String,
    /// Random key that seals cursors, shared by all servers.
    #[sea_orm(column_type = "Text")]
    pub cursor_key: String,
    /// Last event whose cursor was sent without a seal, by releases older than seals.
    pub unsealed_until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
