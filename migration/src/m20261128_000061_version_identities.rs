//! Version of users and tokens: raised in the transaction of each change, so that servers can keep both in memory.
//! Triggers raise it, so that no way to change a user or a token goes without.

use sea_orm_migration::{
    prelude::*,
    schema::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Triggers by name, with table and event. The time of a token's last use is no part of an identity.
const TRIGGERS: [(&str, &str, &str); 5] = [
    ("user_changed", "\"user\"", "UPDATE"),
    ("user_deleted", "\"user\"", "DELETE"),
    // A backup that is restored into a running database brings the version of its time along.
    ("api_token_created", "api_token", "INSERT"),
    (
        "api_token_changed",
        "api_token",
        "UPDATE OF user_id, hash, expires_at, revoked_at",
    ),
    ("api_token_deleted", "api_token", "DELETE"),
];

const RAISE: &str = "UPDATE identity_version SET version = version + 1;";

fn up(backend: DbBackend) -> Vec<String> {
    let mut statements =
        vec!["INSERT INTO identity_version (id, version) VALUES (1, 1)".to_owned()];
    if backend == DbBackend::Sqlite {
        statements.extend(TRIGGERS.map(|(name, table, event)| {
            format!("CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW BEGIN {RAISE} END")
        }));
        return statements;
    }
    statements.push(format!(
        "CREATE FUNCTION raise_identity_version() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN {RAISE} RETURN NULL; END $$"
    ));
    // Deferred to the commit: the row is the last lock of a transaction, so that no order of locks is broken
    // (https://www.postgresql.org/docs/current/sql-createtrigger.html). A later migration that changes rows of users or
    // tokens and then their table executes `SET CONSTRAINTS ALL IMMEDIATE` between both.
    statements.extend(TRIGGERS.map(|(name, table, event)| {
        format!(
            "CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table} \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_identity_version()"
        )
    }));
    statements
}

fn down(backend: DbBackend) -> Vec<String> {
    let mut statements: Vec<String> = TRIGGERS
        .iter()
        .map(|(name, table, _)| match backend {
            DbBackend::Sqlite => format!("DROP TRIGGER {name}"),
            _ => format!("DROP TRIGGER {name} ON {table}"),
        })
        .collect();
    if backend != DbBackend::Sqlite {
        statements.push("DROP FUNCTION raise_identity_version()".to_owned());
    }
    statements
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("identity_version")
            .col(big_integer("id").primary_key())
            .col(big_integer("version"))
            .take();
        manager.create_table(table).await?;
        for statement in up(manager.get_database_backend()) {
            let connection = manager.get_connection();
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in down(manager.get_database_backend()) {
            let connection = manager.get_connection();
            connection.execute_unprepared(&statement).await?;
        }
        let table = Table::drop().table("identity_version").take();
        manager.drop_table(table).await
    }
}
