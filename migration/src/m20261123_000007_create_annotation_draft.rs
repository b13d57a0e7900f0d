//! Drafts of annotations.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("annotation_draft")
                    .col(big_pk_auto("id"))
                    .col(big_integer("task_id"))
                    .col(big_integer_null("annotation_id"))
                    .col(big_integer("user_id"))
                    .col(text("result"))
                    .col(double_null("lead_time"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .col(big_integer_null("import_id"))
                    .col(text_null("extra"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_draft", "task_id")
                            .to("task", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_draft", "annotation_id")
                            .to("annotation", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_draft", "user_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_draft_task_id_id")
                    .table("annotation_draft")
                    .col("task_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_draft_annotation_id")
                    .table("annotation_draft")
                    .col("annotation_id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_draft_user_id")
                    .table("annotation_draft")
                    .col("user_id")
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("annotation_draft").take())
            .await?;
        Ok(())
    }
}
