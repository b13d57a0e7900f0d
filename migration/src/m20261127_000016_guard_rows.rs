//! Versions of drafts, tasks, predictions and projects, and a table of replaced contents of drafts.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Tables whose rows get a version.
const GUARDED: [&str; 4] = ["annotation_draft", "task", "prediction", "project"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in GUARDED {
            let version = integer("version").default(1).take();
            manager
                .alter_table(Table::alter().table(table).add_column(version).take())
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table("replaced_draft")
                    .col(big_pk_auto("id"))
                    .col(big_integer("draft_id"))
                    .col(text("result"))
                    .col(timestamp_with_time_zone("saved_at"))
                    .col(timestamp_with_time_zone("replaced_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("replaced_draft", "draft_id")
                            .to("annotation_draft", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_replaced_draft_draft_id_id")
                    .table("replaced_draft")
                    .col("draft_id")
                    .col("id")
                    .take(),
            )
            .await?;
        // The sweep looks for the oldest ones.
        manager
            .create_index(
                Index::create()
                    .name("ix_replaced_draft_replaced_at")
                    .table("replaced_draft")
                    .col("replaced_at")
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("replaced_draft").take())
            .await?;
        for table in GUARDED {
            manager
                .alter_table(Table::alter().table(table).drop_column("version").take())
                .await?;
        }
        Ok(())
    }
}
