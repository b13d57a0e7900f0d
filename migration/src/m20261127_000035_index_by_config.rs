//! Indexes annotations anew: types of regions follow from the labelling config, and chat messages have a type.

use sea_orm_migration::{prelude::*, sea_orm::ConnectionTrait};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index_anew(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The older program reads results differently.
        index_anew(manager).await
    }
}

/// Only the program knows how to read results: it goes through all annotations when it starts.
async fn index_anew(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    db.execute_unprepared("DELETE FROM annotation_term_fill")
        .await?;
    db.execute_unprepared(
        "INSERT INTO annotation_term_fill (last_id, done_id) \
         SELECT max(id), 0 FROM annotation HAVING max(id) IS NOT NULL",
    )
    .await?;
    Ok(())
}
