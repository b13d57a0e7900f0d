//! `annograph events`

use clap::Subcommand;

use super::line;
use crate::{app::App, domain::event};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// End the validity of all cursors of events. Do so when a backup was restored, with all servers stopped:
    /// clients are then told to read anew instead of missing what the backup does not have.
    Renew,
}

pub async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Renew => {
            event::renew(app).await?;
            line(format_args!("cursors of events from before are refused"))
        }
    }
}
