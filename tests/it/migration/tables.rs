//! Tables, columns and indexes as the databases report them.

use annograph::app::App;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub name: String,
    /// Name, kind and whether it takes null, by name.
    pub columns: Vec<(String, Kind, bool)>,
    pub primary_key: Vec<String>,
    /// The database makes the ids, and never one twice.
    pub generates_ids: bool,
    pub foreign_keys: Vec<ForeignKey>,
    /// Columns of each unique key but the primary one; the last has the key's condition behind it.
    pub unique: Vec<Vec<String>>,
    /// Columns of every index, those of keys too; the last has the index's condition behind it.
    pub indexes: Vec<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Big,
    Integer,
    Text,
    Boolean,
    Double,
    Instant,
    Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignKey {
    pub table: String,
    pub column: String,
    pub target: String,
    pub on_delete: String,
}

/// Every table but the migrations' own, by name.
pub async fn all(app: &App) -> Vec<Table> {
    let names = match app.db.backend() {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        _ => {
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    let mut names = texts(&rows(app, names).await, "name");
    names.retain(|name| name != "seaql_migrations");
    names.sort();
    let mut tables = Vec::new();
    for name in names {
        let mut table = match app.db.backend() {
            DbBackend::Sqlite => sqlite(app, name).await,
            _ => postgres(app, name).await,
        };
        table.columns.sort();
        table.foreign_keys.sort();
        table.unique.sort();
        table.indexes.sort();
        tables.push(table);
    }
    tables
}

async fn sqlite(app: &App, name: String) -> Table {
    let mut table = Table::default();
    let mut key: Vec<(i32, String)> = Vec::new();
    for row in rows(app, &format!("PRAGMA table_info('{name}')")).await {
        let column = text(&row, "name");
        let part: i32 = row.try_get("", "pk").unwrap();
        if part > 0 {
            key.push((part, column.clone()));
        }
        let kind = match text(&row, "type").to_lowercase().as_str() {
            // SQLite's integers have one size.
            "integer" => Kind::Big,
            "text" => Kind::Text,
            "boolean" => Kind::Boolean,
            "double" => Kind::Double,
            "timestamp_with_timezone_text" => Kind::Instant,
            "uuid_text" => Kind::Uuid,
            other => panic!("{name}.{column} is a {other}"),
        };
        let not_null: bool = row.try_get("", "notnull").unwrap();
        table.columns.push((column, kind, !not_null));
    }
    key.sort();
    table.primary_key = key.into_iter().map(|(_, column)| column).collect();
    for row in rows(app, &format!("PRAGMA foreign_key_list('{name}')")).await {
        table.foreign_keys.push(ForeignKey {
            table: text(&row, "table"),
            column: text(&row, "from"),
            target: text(&row, "to"),
            on_delete: text(&row, "on_delete"),
        });
    }
    for row in rows(app, &format!("PRAGMA index_list('{name}')")).await {
        let index = text(&row, "name");
        // What is no column has no name.
        let columns =
            format!("SELECT coalesce(name, '') AS name FROM pragma_index_info('{index}')");
        let mut columns = texts(&rows(app, &columns).await, "name");
        let source =
            format!("SELECT sql FROM sqlite_master WHERE name = '{index}' AND sql IS NOT NULL");
        let source = rows(app, &source).await;
        with_condition(
            &mut columns,
            &source
                .iter()
                .map(|row| text(row, "sql"))
                .collect::<String>(),
        );
        let is_unique: bool = row.try_get("", "unique").unwrap();
        if is_unique && text(&row, "origin") != "pk" {
            table.unique.push(columns.clone());
        }
        table.indexes.push(columns);
    }
    let source = format!("SELECT sql FROM sqlite_master WHERE name = '{name}'");
    let source = texts(&rows(app, &source).await, "sql").join("");
    table.generates_ids = source.to_uppercase().contains("AUTOINCREMENT");
    table.name = name;
    table
}

async fn postgres(app: &App, name: String) -> Table {
    let mut table = Table::default();
    let columns = format!(
        "SELECT column_name, data_type, is_nullable = 'YES' AS is_nullable, \
           is_identity = 'YES' OR coalesce(column_default LIKE 'nextval%', false) AS is_generated \
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{name}'"
    );
    for row in rows(app, &columns).await {
        let column = text(&row, "column_name");
        let kind = match text(&row, "data_type").as_str() {
            "bigint" => Kind::Big,
            "integer" => Kind::Integer,
            "text" => Kind::Text,
            "boolean" => Kind::Boolean,
            "double precision" => Kind::Double,
            "timestamp with time zone" => Kind::Instant,
            "uuid" => Kind::Uuid,
            other => panic!("{name}.{column} is a {other}"),
        };
        table.generates_ids |= row.try_get::<bool>("", "is_generated").unwrap();
        table
            .columns
            .push((column, kind, row.try_get("", "is_nullable").unwrap()));
    }
    let foreign_keys = format!(
        "SELECT target.relname AS target_table, own.attname AS own_column, \
           other.attname AS target_column, fk.confdeltype::text AS on_delete \
         FROM pg_constraint fk \
         JOIN pg_class target ON target.oid = fk.confrelid \
         JOIN pg_attribute own ON own.attrelid = fk.conrelid AND own.attnum = fk.conkey[1] \
         JOIN pg_attribute other ON other.attrelid = fk.confrelid AND other.attnum = fk.confkey[1] \
         WHERE fk.contype = 'f' AND cardinality(fk.conkey) = 1 AND fk.conrelid = '\"{name}\"'::regclass"
    );
    for row in rows(app, &foreign_keys).await {
        table.foreign_keys.push(ForeignKey {
            table: text(&row, "target_table"),
            column: text(&row, "own_column"),
            target: text(&row, "target_column"),
            on_delete: match text(&row, "on_delete").as_str() {
                "c" => "CASCADE".to_owned(),
                "n" => "SET NULL".to_owned(),
                other => other.to_owned(),
            },
        });
    }
    let indexes = format!(
        "SELECT indexes.indisunique AS is_unique, indexes.indisprimary AS is_primary, \
           pg_get_indexdef(indexes.indexrelid) AS source, \
           (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute \
            WHERE attrelid = indexes.indexrelid) AS columns \
         FROM pg_index indexes WHERE indexes.indrelid = '\"{name}\"'::regclass"
    );
    for row in rows(app, &indexes).await {
        let mut columns: Vec<String> = text(&row, "columns")
            .split(',')
            .map(str::to_owned)
            .collect();
        with_condition(&mut columns, &text(&row, "source"));
        let is_primary: bool = row.try_get("", "is_primary").unwrap();
        if is_primary {
            table.primary_key = columns.clone();
        } else if row.try_get("", "is_unique").unwrap() {
            table.unique.push(columns.clone());
        }
        table.indexes.push(columns);
    }
    table.name = name;
    table
}

/// Writes the condition of an index behind its last column: `task_id where ground_truth`.
fn with_condition(columns: &mut [String], source: &str) {
    if let Some((_, condition)) = source.split_once(" WHERE ") {
        let condition = condition.replace(['(', ')', '"'], "").to_lowercase();
        let last = columns.last_mut().unwrap();
        last.push_str(" where ");
        last.push_str(&condition);
    }
}

async fn rows(app: &App, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(app.db.backend(), sql);
    app.db.writer().query_all_raw(statement).await.unwrap()
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}

fn texts(rows: &[QueryResult], column: &str) -> Vec<String> {
    rows.iter().map(|row| text(row, column)).collect()
}
