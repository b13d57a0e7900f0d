//! Command line: commands and their output.
//!
//! Doc comments of arguments are the help texts.

mod agreement;
mod check;
mod events;
mod export;
mod import;
mod member;
mod migrate;
mod out;
mod serve;
mod source;
mod token;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::out::{is_broken_pipe, line, note, one_line, print};
use crate::{
    app::App,
    config::{DatabaseArgs, LogArgs, ServeArgs},
    db::Database,
    graphql::sdl,
    telemetry,
};

/// GraphQL server for human annotations of data, compatible with Label Studio's format.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; migrate the database first.
    Serve(Box<ServeArgs>),
    /// Print the GraphQL schema.
    Schema {
        /// Print the schema of a subgraph for an Apollo Federation 2 gateway.
        #[arg(long)]
        federation: bool,
    },
    /// Add and list users.
    #[command(subcommand)]
    User(user::Command),
    /// Create, list and revoke API tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Add, remove and list the members of projects.
    #[command(subcommand)]
    Member(member::Command),
    /// Import a Label Studio file into a project, all of it or nothing.
    Import(import::ImportArgs),
    /// Check whether the annotations and predictions in a Label Studio file fit a labelling config.
    Check(check::CheckArgs),
    /// Compute the agreement of annotations in a Label Studio file.
    Agreement(agreement::AgreementArgs),
    /// Export a project as a Label Studio file.
    Export(export::ExportArgs),
    /// Maintain the event log.
    #[command(subcommand)]
    Events(events::Command),
    /// Migrate the database, or list the migrations.
    #[command(subcommand)]
    Migrate(migrate::Command),
}

/// Runs the command that the arguments name, on a runtime of its own; returns the exit code of the process.
///
/// The function that blocks on a future generates the machine code of all that the future awaits. The function is in the
/// library, because a binary that blocked on `run` would compile most of the library a second time.
#[tokio::main]
pub async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        // `annograph export | head` is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("annograph: {}", one_line(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Runs the command of the program's arguments.
async fn run() -> anyhow::Result<()> {
    // Parses first: errors and `--help` must not depend on the log's settings.
    let cli = Cli::parse();
    telemetry::start(&cli.log)?;
    match cli.command {
        Command::Serve(args) => serve::run(&cli.database, *args).await,
        Command::Schema { federation } => {
            if federation {
                print(format_args!("{}", sdl::federation()))
            } else {
                print(format_args!("{}", sdl::published()))
            }
        }
        Command::User(command) => user::run(&open(&cli.database).await?, command).await,
        Command::Token(command) => token::run(&open(&cli.database).await?, command).await,
        Command::Member(command) => member::run(&open(&cli.database).await?, command).await,
        Command::Import(args) => import::run(&open(&cli.database).await?, args).await,
        Command::Check(args) => check::run(&args),
        Command::Agreement(args) => agreement::run(&args),
        Command::Export(args) => export::run(&open(&cli.database).await?, args).await,
        Command::Events(command) => events::run(&open(&cli.database).await?, command).await,
        Command::Migrate(command) => migrate::run(&cli.database, command).await,
    }
}

/// Opens and migrates the database. Safe beside a running server.
async fn open(database: &DatabaseArgs) -> anyhow::Result<App> {
    let db = Database::connect(&database.options()).await?;
    migrate::up(&db).await?;
    Ok(App::new(db))
}

/// Prints rows with aligned columns.
fn print_table(heads: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([heads[column].len()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let aligned = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        line(format_args!("{}", cells.join("  ").trim_end()))
    };
    aligned(&mut heads.iter().copied())?;
    for row in rows {
        aligned(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}
