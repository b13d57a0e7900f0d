//! `annograph events`: maintenance of the event log.

use clap::Subcommand;

use super::line;
use crate::{app::App, domain::event};

/// Subcommands of `annograph events`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Invalidate all cursors of events. Run this after a backup was restored, with all servers stopped: clients then
    /// read anew instead of missing the events that the backup lacks.
    Renew,
}

/// Runs a subcommand. Fails on an error of the database.
pub async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Renew => {
            event::renew(app).await?;
            line(format_args!("cursors of events from before are refused"))
        }
    }
}
