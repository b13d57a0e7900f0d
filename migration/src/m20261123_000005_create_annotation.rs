//! Annotations.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("annotation")
                    .col(big_pk_auto("id"))
                    .col(uuid_uniq("unique_id"))
                    .col(big_integer("task_id"))
                    .col(big_integer("project_id"))
                    .col(text("result"))
                    .col(integer("region_count"))
                    .col(big_integer_null("completed_by_id"))
                    .col(big_integer_null("updated_by_id"))
                    .col(big_integer_null("last_created_by_id"))
                    .col(text_null("last_action"))
                    .col(boolean("was_cancelled"))
                    .col(boolean("ground_truth"))
                    .col(double_null("lead_time"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .col(timestamp_with_time_zone_null("draft_created_at"))
                    .col(big_integer_null("import_id"))
                    .col(big_integer_null("parent_prediction_id"))
                    .col(big_integer_null("parent_annotation_id"))
                    .col(integer("version"))
                    .col(text_null("extra"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "task_id")
                            .to("task", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "project_id")
                            .to("project", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "completed_by_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "updated_by_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "last_created_by_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "parent_prediction_id")
                            .to("prediction", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("annotation", "parent_annotation_id")
                            .to("annotation", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_task_id_id")
                    .table("annotation")
                    .col("task_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_project_id_id")
                    .table("annotation")
                    .col("project_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_created_at_id")
                    .table("annotation")
                    .col("created_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_updated_at_id")
                    .table("annotation")
                    .col("updated_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_project_id_created_at_id")
                    .table("annotation")
                    .col("project_id")
                    .col("created_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_project_id_updated_at_id")
                    .table("annotation")
                    .col("project_id")
                    .col("updated_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_completed_by_id_id")
                    .table("annotation")
                    .col("completed_by_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_updated_by_id_id")
                    .table("annotation")
                    .col("updated_by_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_last_created_by_id")
                    .table("annotation")
                    .col("last_created_by_id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_import_id")
                    .table("annotation")
                    .col("import_id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_parent_prediction_id")
                    .table("annotation")
                    .col("parent_prediction_id")
                    .and_where(Expr::col("parent_prediction_id").is_not_null())
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_parent_annotation_id")
                    .table("annotation")
                    .col("parent_annotation_id")
                    .and_where(Expr::col("parent_annotation_id").is_not_null())
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("uq_annotation_task_id_ground_truth")
                    .table("annotation")
                    .col("task_id")
                    .unique()
                    .and_where(Expr::col("ground_truth"))
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("annotation").take())
            .await?;
        Ok(())
    }
}
