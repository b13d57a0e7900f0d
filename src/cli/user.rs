//! `annograph user`: users.

use clap::{Subcommand, ValueEnum};
use entity::user::Role;

use super::{line, print_table};
use crate::{app::App, domain::user, instant};

/// Subcommands of `annograph user`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user. Sign-in needs a token: `annograph token create --user NAME`.
    Add {
        /// Short name, unique, without `@`.
        username: String,
        /// Name to show, without `@`.
        #[arg(long, default_value = "")]
        display_name: String,
        /// E-mail address, unique.
        #[arg(long)]
        email: Option<String>,
        /// Rights beyond memberships of projects.
        #[arg(long, value_enum, default_value = "member")]
        role: UserRole,
    },
    /// List all users.
    List,
}

/// Role of a user on the whole server, as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UserRole {
    /// Sees and manages everything.
    Admin,
    /// Sees the projects with a membership.
    Member,
}

/// Runs a subcommand. Fails on a refused field of a user, and on an error of the database.
pub async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add {
            username,
            display_name,
            email,
            role,
        } => {
            let role = match role {
                UserRole::Admin => Role::Admin,
                UserRole::Member => Role::Member,
            };
            let new = user::New {
                username,
                display_name,
                email,
                role,
            };
            let row = user::create(app, new).await?;
            line(format_args!("user {} ({})", row.id, row.username))?;
        }
        Command::List => {
            let rows: Vec<Vec<String>> = user::all(app)
                .await?
                .into_iter()
                .map(|row| {
                    vec![
                        row.id.to_string(),
                        row.username,
                        row.display_name,
                        row.email.unwrap_or_default(),
                        format!("{:?}", row.role).to_lowercase(),
                        if row.can_sign_in { "yes" } else { "no" }.to_owned(),
                        instant::print(row.created_at),
                    ]
                })
                .collect();
            let heads = [
                "ID", "USERNAME", "NAME", "E-MAIL", "ROLE", "SIGNS IN", "CREATED",
            ];
            print_table(&heads, &rows)?;
        }
    }
    Ok(())
}
