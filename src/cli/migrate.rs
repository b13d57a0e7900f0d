//! `annograph migrate`

use clap::Subcommand;
use migration::{Migrator, MigratorTrait};

use super::{open, print_table};
use crate::{config::DatabaseArgs, db::Database};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the database up to date. `serve` does so too.
    Up,
    /// List the migrations, and which of them wait. Exits with 1 when any does.
    Status,
}

pub async fn run(database: &DatabaseArgs, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up => {
            open(database).await?;
            println!("the database is up to date");
        }
        Command::Status => {
            let db = Database::connect(&database.options()).await?;
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
            print_table(&["MIGRATION", "STATE"], &rows);
            if !waiting.is_empty() {
                std::process::exit(1);
            }
        }
    }
    Ok(())
}
