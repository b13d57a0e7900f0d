//! Titles and names have a copy that is folded for search without regard to case, since databases lower letters
//! beyond ASCII by their locale or not at all.

use casefold::fold;
use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, DbErr},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [(&str, &str, &str); 3] = [
    ("project", "title", "title_folded"),
    ("user", "username", "username_folded"),
    ("user", "display_name", "display_name_folded"),
];
/// Rows that are read at once.
const STEP: u64 = 500;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, folded) in COLUMNS {
            let add = Table::alter()
                .table(table)
                .add_column(text(folded).default(""))
                .take();
            manager.alter_table(add).await?;
            fill(manager, table, column, folded).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, _, folded) in COLUMNS {
            let drop = Table::alter().table(table).drop_column(folded).take();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}

async fn fill(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
    folded: &'static str,
) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let mut last = 0_i64;
    loop {
        let next = Query::select()
            .columns(["id", column])
            .from(table)
            .and_where(Expr::col("id").gt(last))
            .order_by("id", Order::Asc)
            .limit(STEP)
            .take();
        let rows = db.query_all(&next).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            last = row.try_get("", "id")?;
            let text: String = row.try_get("", column)?;
            let update = Query::update()
                .table(table)
                .value(folded, fold(&text))
                .and_where(Expr::col("id").eq(last))
                .take();
            db.execute(&update).await?;
        }
    }
}
