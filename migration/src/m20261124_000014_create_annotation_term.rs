//! What annotations are found by: labels and kinds of regions in a table of their own, and indexes for the
//! other parts of filters.

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Most begin with the project, in which almost all lists lie. Those of few rows hold these rows alone.
/// Numbers that may be missing are -1 then: both databases place that alike.
const INDEXES: &[(&str, &str)] = &[
    (
        "ix_annotation_project_id_last_action_id",
        "(project_id, last_action, id)",
    ),
    (
        "ix_annotation_project_id_lead_time_id",
        "(project_id, COALESCE(lead_time, -1), id)",
    ),
    (
        "ix_annotation_project_id_region_count_id",
        "(project_id, region_count, id)",
    ),
    (
        "ix_annotation_project_id_id_was_cancelled",
        "(project_id, id) WHERE was_cancelled",
    ),
    (
        "ix_annotation_project_id_id_ground_truth",
        "(project_id, id) WHERE ground_truth",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create()
            .table("annotation_term")
            .col(big_integer("term"))
            .col(big_integer("project_id"))
            .col(big_integer("annotation_id"))
            .primary_key(
                Index::create()
                    .col("term")
                    .col("project_id")
                    .col("annotation_id"),
            )
            .foreign_key(
                ForeignKey::create()
                    .from("annotation_term", "annotation_id")
                    .to("annotation", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        if manager.get_database_backend() == DbBackend::Sqlite {
            // The key is all that there is.
            table.extra("WITHOUT ROWID");
        }
        manager.create_table(table).await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_annotation_term_annotation_id")
                    .table("annotation_term")
                    .col("annotation_id")
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("annotation_term_fill")
                    .col(big_integer("last_id").primary_key())
                    .col(big_integer("done_id"))
                    .take(),
            )
            .await?;
        let db = manager.get_connection();
        // Only the program knows how to read results.
        db.execute_unprepared(
            "INSERT INTO annotation_term_fill (last_id, done_id) \
             SELECT max(id), 0 FROM annotation HAVING max(id) IS NOT NULL",
        )
        .await?;
        for (name, columns) in INDEXES {
            db.execute_unprepared(&format!("CREATE INDEX {name} ON annotation {columns}"))
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            manager
                .drop_index(Index::drop().name(*name).table("annotation").to_owned())
                .await?;
        }
        for table in ["annotation_term_fill", "annotation_term"] {
            manager
                .drop_table(Table::drop().table(table).take())
                .await?;
        }
        Ok(())
    }
}
