//! What the history does not hold of deleted annotations, so that they can come back.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("annotation_tombstone")
                    .col(big_integer("annotation_id").primary_key())
                    .col(big_integer("project_id"))
                    .col(uuid("unique_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("draft_created_at"))
                    .col(big_integer_null("import_id"))
                    .col(big_integer_null("parent_prediction_id"))
                    .col(big_integer_null("parent_annotation_id"))
                    .col(text_null("extra"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_tombstone", "project_id")
                            .to("project", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_tombstone_project_id")
                    .table("annotation_tombstone")
                    .col("project_id")
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("annotation_tombstone").take())
            .await?;
        Ok(())
    }
}
