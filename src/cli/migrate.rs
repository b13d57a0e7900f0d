//! `annograph migrate`

use anyhow::{Context, bail};
use clap::Subcommand;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, QueryOrder};
use sea_orm_migration::{IntoSchemaManagerConnection, SchemaManager, seaql_migrations};

use super::{line, open, print_table};
use crate::{config::DatabaseArgs, db::Database};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the database up to date. `serve` does so too.
    Up,
    /// List the migrations, and which of them wait. Exits with 1 when any does.
    Status,
}

/// Refuses a database that a newer release has brought up to date: what it made of the tables is unknown here.
async fn refuse_newer<'c>(db: impl IntoSchemaManagerConnection<'c>) -> anyhow::Result<()> {
    let manager = SchemaManager::new(db);
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    if !manager.has_table("seaql_migrations").await? {
        return Ok(());
    }
    let applied = seaql_migrations::Entity::find()
        .order_by_desc(seaql_migrations::Column::Version)
        .all(manager.get_connection())
        .await?;
    let unknown = applied.iter().find(|row| !known.contains(&row.version));
    match unknown {
        None => Ok(()),
        Some(row) => bail!(
            "the database is of a newer release of annograph than this one, {} (it has the migration {}): use that release, or a backup from before",
            env!("CARGO_PKG_VERSION"),
            row.version
        ),
    }
}

/// Applies what waits, in one transaction: all of it or nothing. Of several processes that start at the
/// same time one does, the others wait for it.
pub async fn up(db: &Database) -> anyhow::Result<()> {
    const LOCK: i64 = 0x616e_6e6f_6d69_6772;
    refuse_newer(db.writer()).await?;
    let waiting = Migrator::get_pending_migrations_read_only(db.writer()).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let txn = db.begin().await?;
    if db.backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        txn.execute_unprepared(&lock).await?;
    }
    // Another release may have had the lock before.
    refuse_newer(&*txn).await?;
    Migrator::up(&*txn, None)
        .await
        .context("can't bring the database up to date")?;
    Ok(txn.commit().await?)
}

pub async fn run(database: &DatabaseArgs, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up => {
            open(database).await?;
            line(format_args!("the database is up to date"))?;
        }
        Command::Status => {
            let db = Database::connect(&database.options()).await?;
            refuse_newer(db.writer()).await?;
            let waiting: Vec<String> = Migrator::get_pending_migrations_read_only(db.writer())
                .await?
                .iter()
                .map(|migration| migration.name().to_owned())
                .collect();
            let rows: Vec<Vec<String>> = Migrator::migrations()
                .iter()
                .map(|migration| migration.name().to_owned())
                .map(|name| {
                    let state = if waiting.contains(&name) {
                        "waits"
                    } else {
                        "applied"
                    };
                    vec![name, state.to_owned()]
                })
                .collect();
            print_table(&["MIGRATION", "STATE"], &rows)?;
            if !waiting.is_empty() {
                std::process::exit(1);
            }
        }
    }
    Ok(())
}
