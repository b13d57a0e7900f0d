//! Drops the indexes on columns that updates of annotations change, since every update wrote an entry in each of them.
//! On PostgreSQL new pages of annotations and tasks keep room for further versions of their rows.
//!
//! Columns of users whose index goes are added to an index that updates write anyway: the rows of a deleted user are
//! found by reading that index from end to end, not the table.
//! For a foreign key SQLite would read the table nevertheless, once for each column and deleted user. On SQLite
//! triggers replace these foreign keys.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Dropped indexes, each with its table and columns.
const DROPPED: &[(&str, &str, &str)] = &[
    (
        "ix_annotation_updated_at_id",
        "annotation",
        "updated_at, id",
    ),
    (
        "ix_annotation_updated_by_id_id",
        "annotation",
        "updated_by_id, id",
    ),
    (
        "ix_annotation_last_created_by_id",
        "annotation",
        "last_created_by_id",
    ),
    (
        "ix_annotation_project_id_last_action_id",
        "annotation",
        "project_id, last_action, id",
    ),
    (
        "ix_annotation_project_id_lead_time_id",
        "annotation",
        "project_id, COALESCE(lead_time, -1), id",
    ),
    ("ix_task_updated_at_id", "task", "updated_at, id"),
    ("ix_task_updated_by_id", "task", "updated_by_id"),
    (
        "ix_annotation_revision_actor_id",
        "annotation_revision",
        "actor_id",
    ),
    (
        "ix_annotation_revision_updated_by_id",
        "annotation_revision",
        "updated_by_id",
    ),
];

/// Table with columns of users, and the index that gets these columns behind its own.
struct Widened {
    table: &'static str,
    index: &'static str,
    columns: &'static str,
    users: &'static [&'static str],
}

const WIDENED: &[Widened] = &[
    Widened {
        table: "annotation",
        index: "ix_annotation_project_id_updated_at_id",
        columns: "project_id, updated_at, id",
        users: &["updated_by_id", "last_created_by_id"],
    },
    Widened {
        table: "task",
        index: "ix_task_project_id_updated_at_id",
        columns: "project_id, updated_at, id",
        users: &["updated_by_id"],
    },
    Widened {
        table: "annotation_revision",
        index: "ix_annotation_revision_project_id_id",
        columns: "project_id, id",
        users: &["actor_id", "updated_by_id"],
    },
];

impl Widened {
    fn create(&self, with_users: bool) -> String {
        let Self {
            table,
            index,
            columns,
            users,
        } = self;
        match with_users {
            true => format!(
                "CREATE INDEX {index} ON {table} ({columns}, {})",
                users.join(", ")
            ),
            false => format!("CREATE INDEX {index} ON {table} ({columns})"),
        }
    }

    /// Trigger that clears the columns in the rows of a deleted user, as `ON DELETE SET NULL` does. The subquery needs
    /// the columns of the widened index alone.
    fn clearing(&self) -> String {
        let table = self.table;
        let each = |separator: &str, part: fn(&str) -> String| {
            let parts: Vec<String> = self.users.iter().map(|column| part(column)).collect();
            parts.join(separator)
        };
        let set = each(", ", |column| {
            format!("{column} = NULLIF({column}, OLD.id)")
        });
        let of_user = each(" OR ", |column| format!("{column} = OLD.id"));
        format!(
            "CREATE TRIGGER IF NOT EXISTS {table}_forgets_user AFTER DELETE ON \"user\" FOR EACH ROW BEGIN \
               UPDATE {table} SET {set} WHERE id IN (SELECT id FROM {table} WHERE {of_user}); END"
        )
    }

    /// Triggers that refuse ids of no user, as a foreign key does.
    fn guards(&self) -> [String; 2] {
        let table = self.table;
        let columns = self.users.join(", ");
        let unknown: Vec<String> = self.users.iter().map(|column| unknown(column)).collect();
        let unknown = unknown.join(" OR ");
        [
            ("inserted", "INSERT".to_owned()),
            ("updated", format!("UPDATE OF {columns}")),
        ]
        .map(|(name, event)| {
            format!(
                "CREATE TRIGGER IF NOT EXISTS {table}_{name}_by_user AFTER {event} ON {table} FOR EACH ROW WHEN {unknown} \
                 BEGIN SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed'); END"
            )
        })
    }

    fn triggers(&self) -> [String; 3] {
        let table = self.table;
        [
            format!("{table}_forgets_user"),
            format!("{table}_inserted_by_user"),
            format!("{table}_updated_by_user"),
        ]
    }
}

fn unknown(column: &str) -> String {
    format!(
        "(NEW.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \"user\" WHERE id = NEW.{column}))"
    )
}

/// Foreign key as the definition of a SQLite table has it, behind others.
fn foreign_key(column: &str) -> String {
    format!(", FOREIGN KEY (\"{column}\") REFERENCES \"user\" (\"id\") ON DELETE SET NULL")
}

/// Edits the definition of each table, in the way that <https://www.sqlite.org/lang_altertable.html#otheralter>
/// describes for constraints: no row changes. The statements on indexes that follow change the schema's version, by
/// which other connections notice.
fn edit(definition: impl Fn(&'static str) -> String) -> Vec<String> {
    let mut statements = vec!["PRAGMA writable_schema = ON".to_owned()];
    for Widened { table, users, .. } in WIDENED {
        statements.extend(users.iter().map(|column| {
            let sql = definition(column);
            format!(
                "UPDATE sqlite_master SET sql = {sql} WHERE type = 'table' AND name = '{table}'"
            )
        }));
    }
    // Reads the schema anew, and ends the edits.
    statements.push("PRAGMA writable_schema = RESET".to_owned());
    statements
}

fn up(backend: DbBackend) -> Vec<String> {
    let mut statements = Vec::new();
    if backend == DbBackend::Sqlite {
        statements.extend(edit(|column| {
            format!("REPLACE(sql, '{}', '')", foreign_key(column))
        }));
    }
    let dropped = DROPPED.iter().map(|(name, ..)| *name);
    let replaced = WIDENED.iter().map(|widened| widened.index);
    statements.extend(
        dropped
            .chain(replaced)
            // Accepts databases whose operators have dropped an index by hand.
            .map(|name| format!("DROP INDEX IF EXISTS {name}")),
    );
    statements.extend(WIDENED.iter().map(|widened| widened.create(true)));
    match backend {
        DbBackend::Sqlite => {
            for widened in WIDENED {
                statements.push(widened.clearing());
                statements.extend(widened.guards());
            }
        }
        _ => statements.extend(
            FILLED.map(|table| format!("ALTER TABLE {table} SET (fillfactor = {FILL_FACTOR})")),
        ),
    }
    statements
}

fn down(backend: DbBackend) -> Vec<String> {
    let mut statements = Vec::new();
    match backend {
        DbBackend::Sqlite => {
            let triggers = WIDENED.iter().flat_map(Widened::triggers);
            statements.extend(triggers.map(|name| format!("DROP TRIGGER {name}")));
            // Appends behind the last constraint, before the closing parenthesis.
            statements.extend(edit(|column| {
                format!(
                    "SUBSTR(sql, 1, LENGTH(sql) - 1) || '{})'",
                    foreign_key(column)
                )
            }));
        }
        _ => {
            statements
                .extend(FILLED.map(|table| format!("ALTER TABLE {table} RESET (fillfactor)")));
        }
    }
    statements.extend(
        WIDENED
            .iter()
            .map(|widened| format!("DROP INDEX {}", widened.index)),
    );
    statements.extend(WIDENED.iter().map(|widened| widened.create(false)));
    let dropped = DROPPED.iter();
    statements.extend(
        dropped.map(|(name, table, columns)| format!("CREATE INDEX {name} ON {table} ({columns})")),
    );
    statements
}

/// Tables whose rows every update rewrites.
const FILLED: [&str; 2] = ["annotation", "task"];
/// Percent of a page that inserts fill.
const FILL_FACTOR: u8 = 80;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, up(manager.get_database_backend())).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, down(manager.get_database_backend())).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: Vec<String>) -> Result<(), DbErr> {
    for statement in statements {
        let db = manager.get_connection();
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}
