//! Imports that run, and tasks.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("import_job")
                    .col(big_pk_auto("id"))
                    .col(big_integer("project_id"))
                    .col(boolean("created_project"))
                    .col(boolean("is_written"))
                    .col(text("created_users"))
                    .col(text("added_members"))
                    .col(timestamp_with_time_zone("started_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("import_job", "project_id")
                            .to("project", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_import_job_project_id")
                    .table("import_job")
                    .col("project_id")
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("task")
                    .col(big_pk_auto("id"))
                    .col(big_integer("project_id"))
                    .col(text("data"))
                    .col(text_null("meta"))
                    .col(integer("overlap"))
                    .col(boolean("is_labeled"))
                    .col(integer("total_annotations"))
                    .col(integer("cancelled_annotations"))
                    .col(integer("total_predictions"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .col(big_integer_null("updated_by_id"))
                    .col(big_integer_null("import_id"))
                    .col(big_integer_null("import_job_id"))
                    .col(text_null("extra"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("task", "project_id")
                            .to("project", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("task", "updated_by_id")
                            .to("user", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("task", "import_job_id")
                            .to("import_job", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_project_id_id")
                    .table("task")
                    .col("project_id")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_project_id_created_at_id")
                    .table("task")
                    .col("project_id")
                    .col("created_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_project_id_updated_at_id")
                    .table("task")
                    .col("project_id")
                    .col("updated_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_created_at_id")
                    .table("task")
                    .col("created_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_updated_at_id")
                    .table("task")
                    .col("updated_at")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_project_id_is_labeled_id")
                    .table("task")
                    .col("project_id")
                    .col("is_labeled")
                    .col("id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_updated_by_id")
                    .table("task")
                    .col("updated_by_id")
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_task_import_job_id")
                    .table("task")
                    .col("import_job_id")
                    .and_where(Expr::col("import_job_id").is_not_null())
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("task").take())
            .await?;
        manager
            .drop_table(Table::drop().table("import_job").take())
            .await?;
        Ok(())
    }
}
