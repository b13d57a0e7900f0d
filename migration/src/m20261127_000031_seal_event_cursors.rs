//! The key that seals the cursors of events, one for all servers, and the last event of which a cursor without
//! seal was handed out.

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [&str; 2] = ["cursor_key", "unsealed_until"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text(COLUMNS[0]).default("").take(),
            big_integer(COLUMNS[1]).default(0).take(),
        ] {
            manager
                .alter_table(Table::alter().table("event_log").add_column(column).take())
                .await?;
        }
        // 256 random bits, or 366 in the digits of three random UUIDs.
        let random = match manager.get_database_backend() {
            DbBackend::Sqlite => "lower(hex(randomblob(32)))",
            _ => "concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid())",
        };
        let made = format!(
            "UPDATE event_log SET cursor_key = {random}, \
             unsealed_until = (SELECT coalesce(max(seq), 0) FROM event)"
        );
        manager.get_connection().execute_unprepared(&made).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager
                .alter_table(Table::alter().table("event_log").drop_column(column).take())
                .await?;
        }
        Ok(())
    }
}
