//! Losses of access: one row for each role or membership that a user has lost. Triggers write them, so that no way
//! to take access away goes without. An answer that is kept for its `Idempotency-Key` notes how many there were.

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The rank of a member's role, of the row before or after.
fn rank(row: &str) -> String {
    format!(
        "CASE {row}.role WHEN 'viewer' THEN 1 WHEN 'annotator' THEN 2 WHEN 'reviewer' THEN 3 \
         WHEN 'manager' THEN 4 ELSE 0 END"
    )
}

/// When a trigger fires: its name, the table, the event, the condition, and whose access is lost.
fn triggers() -> [(
    &'static str,
    &'static str,
    &'static str,
    String,
    &'static str,
); 4] {
    [
        (
            "project_member_removed",
            "project_member",
            "DELETE",
            "true".to_owned(),
            "user_id",
        ),
        (
            "project_member_lowered",
            "project_member",
            "UPDATE OF role",
            format!("{} < {}", rank("NEW"), rank("OLD")),
            "user_id",
        ),
        (
            "user_lowered",
            "\"user\"",
            "UPDATE OF role, can_sign_in",
            "(OLD.role = 'admin' AND NEW.role <> 'admin') \
             OR (OLD.can_sign_in AND NOT NEW.can_sign_in)"
                .to_owned(),
            "id",
        ),
        // Nobody holds an answer who never signed in.
        (
            "user_removed",
            "\"user\"",
            "DELETE",
            "OLD.can_sign_in".to_owned(),
            "id",
        ),
    ]
}

fn up(backend: DbBackend) -> Vec<String> {
    let mut statements = Vec::new();
    for (name, table, event, condition, whose) in triggers() {
        let insert = format!("INSERT INTO access_loss (user_id) VALUES (OLD.{whose});");
        if backend == DbBackend::Sqlite {
            statements.push(format!(
                "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN {condition} \
                 BEGIN {insert} END"
            ));
            continue;
        }
        statements.push(format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN {insert} RETURN NULL; END $$"
        ));
        statements.push(format!(
            "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN ({condition}) \
             EXECUTE FUNCTION {name}()"
        ));
    }
    statements
}

fn down(backend: DbBackend) -> Vec<String> {
    let mut statements = Vec::new();
    for (name, table, ..) in triggers() {
        if backend == DbBackend::Sqlite {
            statements.push(format!("DROP TRIGGER {name}"));
            continue;
        }
        statements.push(format!("DROP TRIGGER {name} ON {table}"));
        statements.push(format!("DROP FUNCTION {name}()"));
    }
    statements
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("access_loss")
                    .col(big_pk_auto("id"))
                    // No foreign key: the loss of a user who is deleted is one, too.
                    .col(big_integer("user_id"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_access_loss_user_id")
                    .table("access_loss")
                    .col("user_id")
                    .take(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table("idempotency_key")
                    .add_column(big_integer("access_losses").default(0))
                    .take(),
            )
            .await?;
        for statement in up(manager.get_database_backend()) {
            manager
                .get_connection()
                .execute_unprepared(&statement)
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in down(manager.get_database_backend()) {
            manager
                .get_connection()
                .execute_unprepared(&statement)
                .await?;
        }
        manager
            .alter_table(
                Table::alter()
                    .table("idempotency_key")
                    .drop_column("access_losses")
                    .take(),
            )
            .await?;
        manager
            .drop_table(Table::drop().table("access_loss").take())
            .await
    }
}
