//! The history of annotations, which is the event log too.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("annotation_revision")
                    .col(big_pk_auto("id"))
                    .col(big_integer("annotation_id"))
                    .col(integer("version"))
                    .col(text("event"))
                    .col(text("action"))
                    .col(big_integer("task_id"))
                    .col(big_integer("project_id"))
                    .col(big_integer_null("actor_id"))
                    .col(big_integer_null("updated_by_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(text("changes"))
                    .col(text_null("result"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_revision", "project_id")
                            .to("project", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_revision", "actor_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_revision", "updated_by_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_revision_updated_by_id")
                    .table("annotation_revision")
                    .col("updated_by_id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("uq_annotation_revision_annotation_id_version")
                    .table("annotation_revision")
                    .col("annotation_id")
                    .col("version")
                    .unique()
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_revision_project_id_id")
                    .table("annotation_revision")
                    .col("project_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_revision_actor_id")
                    .table("annotation_revision")
                    .col("actor_id")
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("annotation_revision").take())
            .await?;
        Ok(())
    }
}
