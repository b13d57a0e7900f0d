//! What reviewers say of annotations: the latest verdict of each.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("annotation_review")
                    .col(big_pk_auto("id"))
                    .col(big_integer("annotation_id"))
                    .col(big_integer("project_id"))
                    .col(big_integer_null("reviewer_id"))
                    .col(text("verdict"))
                    .col(text_null("comment"))
                    .col(integer("version"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_review", "annotation_id")
                            .to("annotation", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_review", "project_id")
                            .to("project", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation_review", "reviewer_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("uq_annotation_review_annotation_id_reviewer_id")
                    .table("annotation_review")
                    .col("annotation_id")
                    .col("reviewer_id")
                    .unique()
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_review_project_id")
                    .table("annotation_review")
                    .col("project_id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_review_reviewer_id")
                    .table("annotation_review")
                    .col("reviewer_id")
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("annotation_review").take())
            .await
    }
}
