//! How much the results of a project are checked, and which of its configs it is by now.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite adds no two at once.
        for column in [
            text("check_mode").default("standard").take(),
            integer("config_version").default(1).take(),
        ] {
            manager
                .alter_table(Table::alter().table("project").add_column(column).take())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["config_version", "check_mode"] {
            manager
                .alter_table(Table::alter().table("project").drop_column(column).take())
                .await?;
        }
        Ok(())
    }
}
