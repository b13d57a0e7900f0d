//! On PostgreSQL, the events of deleted revisions are found through their indexes.
//!
//! Both tables may have been empty when the planner last looked: it would rather read them from end to end, once
//! for each revision that goes with a project, dead rows of `outbox` included.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

// A session keeps the plan that it made while the tables were small: that must be no scan either.
const UP: &str = "CREATE OR REPLACE FUNCTION annotation_revision_from_log() RETURNS trigger \
     LANGUAGE plpgsql SET enable_seqscan = off AS $$ \
       BEGIN \
         DELETE FROM outbox WHERE revision_id = ANY (ARRAY(SELECT id FROM deleted)); \
         DELETE FROM event WHERE revision_id = ANY (ARRAY(SELECT id FROM deleted)); \
         RETURN NULL; \
       END $$";

const DOWN: &str = "CREATE OR REPLACE FUNCTION annotation_revision_from_log() RETURNS trigger \
     LANGUAGE plpgsql AS $$ \
       BEGIN \
         DELETE FROM outbox WHERE revision_id IN (SELECT id FROM deleted); \
         DELETE FROM event WHERE revision_id IN (SELECT id FROM deleted); \
         RETURN NULL; \
       END $$";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, DOWN).await
    }
}

/// SQLite has no such function.
async fn replace(manager: &SchemaManager<'_>, function: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        let db = manager.get_connection();
        db.execute_unprepared(function).await?;
    }
    Ok(())
}
