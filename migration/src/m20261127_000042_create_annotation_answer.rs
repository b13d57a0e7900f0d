//! Annotations are found by what they answer: the texts of their answers in a table of their own, and terms of
//! answers among those of labels.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::ConnectionTrait};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("annotation_answer")
            .col(big_integer("annotation_id"))
            .col(big_integer("digest"))
            .col(text("from_name"))
            .col(text_null("folded"))
            .primary_key(Index::create().col("annotation_id").col("digest"))
            .foreign_key(
                ForeignKey::create()
                    .from("annotation_answer", "annotation_id")
                    .to("annotation", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        manager.create_table(table).await?;
        // Only the program knows how to read results: it indexes all annotations anew when it starts.
        let db = manager.get_connection();
        for statement in [
            "DELETE FROM annotation_term_fill",
            "INSERT INTO annotation_term_fill (last_id, done_id) \
             SELECT max(id), 0 FROM annotation HAVING max(id) IS NOT NULL",
        ] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::drop().table("annotation_answer").take();
        manager.drop_table(table).await
    }
}
