//! One draft for everybody to save to: of each task, and of each annotation.
//!
//! Drafts that are there already came with imports. A file may hold several of one person, and none of them is
//! to be lost or overwritten, so they stay as they are: the keys hold those alone that saving makes.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_autosave = boolean("is_autosave").default(false).take();
        manager
            .alter_table(
                Table::alter()
                    .table("annotation_draft")
                    .add_column(is_autosave)
                    .take(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("annotation_draft")
                    .add_column(integer_null("annotation_version"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("uq_annotation_draft_task_id_user_id")
                    .table("annotation_draft")
                    .col("task_id")
                    .col("user_id")
                    .unique()
                    .and_where(Expr::col("is_autosave"))
                    .and_where(Expr::col("annotation_id").is_null())
                    .take(),
            )
            .await?;
        // Drafts of tasks are not in its way: no null is like another.
        manager
            .create_index(
                Index::create()
                    .name("uq_annotation_draft_annotation_id_user_id")
                    .table("annotation_draft")
                    .col("annotation_id")
                    .col("user_id")
                    .unique()
                    .and_where(Expr::col("is_autosave"))
                    .take(),
            )
            .await?;
        // Everybody's own are listed in the order of their ids.
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_draft_user_id_id")
                    .table("annotation_draft")
                    .col("user_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .drop_index(
                Index::drop()
                    .name("ix_annotation_draft_user_id")
                    .table("annotation_draft")
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_draft_user_id")
                    .table("annotation_draft")
                    .col("user_id")
                    .take(),
            )
            .await?;
        for index in [
            "ix_annotation_draft_user_id_id",
            "uq_annotation_draft_annotation_id_user_id",
            "uq_annotation_draft_task_id_user_id",
        ] {
            let mut drop = Index::drop();
            drop.name(index).table("annotation_draft");
            manager.drop_index(drop).await?;
        }
        manager
            .alter_table(
                Table::alter()
                    .table("annotation_draft")
                    .drop_column("annotation_version")
                    .take(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("annotation_draft")
                    .drop_column("is_autosave")
                    .take(),
            )
            .await
    }
}
