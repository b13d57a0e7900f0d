//! `annograph migrate`: migrations of the database.

use anyhow::{Context, bail};
use clap::Subcommand;
use migration::{Migrator, MigratorTrait};
use sea_orm::{EntityTrait, QueryOrder};
use sea_orm_migration::{IntoSchemaManagerConnection, SchemaManager, seaql_migrations};

use super::{line, open, print_table};
use crate::{
    config::DatabaseArgs,
    db::{Database, advisory},
};

/// Subcommands of `annograph migrate`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Migrate the database. `serve` does so too.
    Up,
    /// List the migrations and their states. Exits with 1 when any migration waits.
    Status,
}

/// Refuses a database that a newer release has migrated: the meaning of its tables is unknown to this release.
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

/// Applies the waiting migrations in a transaction, all or none. Of several processes that start at the same time, a
/// single process migrates and the others wait.
#[expect(
    clippy::disallowed_methods,
    reason = "a migration is part of no request"
)]
pub async fn up(db: &Database) -> anyhow::Result<()> {
    refuse_newer(db.writer()).await?;
    // Reads without a lock first, so that starting beside a busy server takes no write lock.
    let waiting = Migrator::get_pending_migrations_read_only(db.writer()).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let txn = db.begin().await?;
    advisory::lock(&*txn, advisory::MIGRATION).await?;
    // Another release may have had the lock before.
    refuse_newer(&*txn).await?;
    Migrator::up(&*txn, None)
        .await
        .context("can't bring the database up to date")?;
    Ok(txn.commit().await?)
}

/// Connects without migrating first, and runs a subcommand. Fails on an error of the database.
#[expect(
    clippy::disallowed_methods,
    reason = "a migration is part of no request"
)]
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
            // Scripts test by the exit code whether to migrate.
            if !waiting.is_empty() {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a status for scripts, and no error"
                )]
                std::process::exit(1);
            }
        }
    }
    Ok(())
}
