//! The order of events: a number for every revision, in the order in which they were committed.
//!
//! On SQLite, which has one writer, that is the order of their ids. On PostgreSQL ids are drawn before the
//! commit, so every revision goes into `outbox` first, by a trigger that no writer can forget, and from
//! there into `event` once it is committed.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Where an annotation was before a change that moved it.
const PLACES: [&str; 2] = ["from_task_id", "from_project_id"];

const POSTGRES: &[&str] = &[
    // Rows come and go: without eager vacuuming, the search for the first of them would slow down.
    "CREATE TABLE outbox (revision_id bigint PRIMARY KEY) \
       WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)",
    "CREATE TABLE event ( \
       seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
       revision_id bigint NOT NULL UNIQUE)",
    "INSERT INTO event (revision_id) SELECT id FROM annotation_revision ORDER BY id",
    "CREATE FUNCTION annotation_revision_to_outbox() RETURNS trigger LANGUAGE plpgsql AS $$ \
       BEGIN INSERT INTO outbox (revision_id) SELECT id FROM inserted; RETURN NULL; END $$",
    "CREATE TRIGGER annotation_revision_to_outbox AFTER INSERT ON annotation_revision \
       REFERENCING NEW TABLE AS inserted \
       FOR EACH STATEMENT EXECUTE FUNCTION annotation_revision_to_outbox()",
    // No foreign keys do this: numbering would fail by one when a revision is taken back meanwhile.
    "CREATE FUNCTION annotation_revision_from_log() RETURNS trigger LANGUAGE plpgsql AS $$ \
       BEGIN \
         DELETE FROM outbox WHERE revision_id IN (SELECT id FROM deleted); \
         DELETE FROM event WHERE revision_id IN (SELECT id FROM deleted); \
         RETURN NULL; \
       END $$",
    "CREATE TRIGGER annotation_revision_from_log AFTER DELETE ON annotation_revision \
       REFERENCING OLD TABLE AS deleted \
       FOR EACH STATEMENT EXECUTE FUNCTION annotation_revision_from_log()",
];

const POSTGRES_DOWN: &[&str] = &[
    "DROP TRIGGER annotation_revision_from_log ON annotation_revision",
    "DROP FUNCTION annotation_revision_from_log()",
    "DROP TRIGGER annotation_revision_to_outbox ON annotation_revision",
    "DROP FUNCTION annotation_revision_to_outbox()",
    "DROP TABLE event",
    "DROP TABLE outbox",
];

const SQLITE: &[&str] =
    &["CREATE VIEW event AS SELECT id AS seq, id AS revision_id FROM annotation_revision"];

const SQLITE_DOWN: &[&str] = &["DROP VIEW event"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for place in PLACES {
            manager
                .alter_table(
                    Table::alter()
                        .table("annotation_revision")
                        .add_column(big_integer_null(place))
                        .take(),
                )
                .await?;
        }
        db.execute_unprepared(
            "UPDATE annotation_revision AS moved \
             SET from_task_id = before.task_id, from_project_id = before.project_id \
             FROM annotation_revision AS before \
             WHERE before.annotation_id = moved.annotation_id \
               AND before.version = moved.version - 1 AND before.task_id <> moved.task_id",
        )
        .await?;
        manager
            .create_table(
                Table::create()
                    .table("event_log")
                    .col(text("generation").primary_key())
                    .take(),
            )
            .await?;
        let (statements, random) = match manager.get_database_backend() {
            DbBackend::Sqlite => (SQLITE, "lower(hex(randomblob(8)))"),
            _ => (
                POSTGRES,
                "substr(md5(random()::text || clock_timestamp()::text), 1, 16)",
            ),
        };
        for statement in statements {
            db.execute_unprepared(statement).await?;
        }
        let generation = format!("INSERT INTO event_log (generation) VALUES ({random})");
        db.execute_unprepared(&generation).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let statements = match manager.get_database_backend() {
            DbBackend::Sqlite => SQLITE_DOWN,
            _ => POSTGRES_DOWN,
        };
        for statement in statements {
            db.execute_unprepared(statement).await?;
        }
        manager
            .drop_table(Table::drop().table("event_log").take())
            .await?;
        for place in PLACES {
            manager
                .alter_table(
                    Table::alter()
                        .table("annotation_revision")
                        .drop_column(place)
                        .take(),
                )
                .await?;
        }
        Ok(())
    }
}
