//! The one row that tells this event log from others.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_log")]
pub struct Model {
    /// Random. Part of every cursor, and renewed when a backup is restored, for numbers repeat then.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub generation: String,
    /// What cursors are sealed with, random. All servers share it.
    #[sea_orm(column_type = "Text")]
    pub cursor_key: String,
    /// The last event of which a cursor without seal was handed out, by releases from before there were seals.
    pub unsealed_until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
