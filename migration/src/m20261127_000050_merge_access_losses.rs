//! Counts of losses of access: a row may stand for several losses of one user, so that old rows can be merged.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The triggers that insert rows leave it to the default.
        let losses = integer("losses").default(1).take();
        manager
            .alter_table(
                Table::alter()
                    .table("access_loss")
                    .add_column(losses)
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table("access_loss")
                    .drop_column("losses")
                    .take(),
            )
            .await
    }
}
