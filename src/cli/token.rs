//! `annograph token`: API tokens.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;

use super::{line, print_table};
use crate::{
    app::App,
    domain::{token, user},
    instant,
};

/// Subcommands of `annograph token`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a token. The secret is printed once, on standard output, and stored nowhere.
    Create {
        /// Owner: a username, an e-mail address or an id.
        #[arg(long)]
        user: String,
        /// Purpose of the token, for lists.
        #[arg(long, default_value = "")]
        name: String,
        /// Days until expiry, at most a hundred years; default: never.
        #[arg(long, value_parser = clap::value_parser!(u32).range(..=36_500))]
        expires_in_days: Option<u32>,
    },
    /// List tokens, without their secrets.
    List {
        /// Owner of the tokens to list; default: all users.
        #[arg(long)]
        user: Option<String>,
    },
    /// Revoke a token at once.
    Revoke {
        /// Id of the token, from `annograph token list`.
        id: i64,
    },
}

/// Runs a subcommand. Fails on an unknown user or token, and on an error of the database.
pub async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create {
            user,
            name,
            expires_in_days,
        } => {
            let user = user::by_name(app, &user)
                .await
                .with_context(|| format!("can't make a token for {user}"))?;
            let expires_at =
                expires_in_days.map(|days| instant::now() + TimeDelta::days(i64::from(days)));
            let created = token::create(app, &user, &name, expires_at).await?;
            // Prints the secret alone, so that scripts can capture it.
            line(format_args!("{}", created.text))?;
        }
        Command::List { user } => {
            let user_id = match user {
                Some(name) => Some(user::by_name(app, &name).await?.id),
                None => None,
            };
            let when = |at: Option<DateTime<Utc>>| at.map(instant::print).unwrap_or_default();
            let rows: Vec<Vec<String>> = token::all(app, user_id)
                .await?
                .into_iter()
                .map(|(row, user)| {
                    vec![
                        row.id.to_string(),
                        user.map(|user| user.username).unwrap_or_default(),
                        row.name,
                        format!("{}…", row.prefix),
                        instant::print(row.created_at),
                        when(row.expires_at),
                        when(row.last_used_at),
                        when(row.revoked_at),
                    ]
                })
                .collect();
            let heads = [
                "ID",
                "USER",
                "NAME",
                "TOKEN",
                "CREATED",
                "EXPIRES",
                "LAST USED",
                "REVOKED",
            ];
            print_table(&heads, &rows)?;
        }
        Command::Revoke { id } => {
            let row = token::revoke(app, id).await?;
            line(format_args!(
                "token {} ({}…) is revoked",
                row.id, row.prefix
            ))?;
        }
    }
    Ok(())
}
