//! `annograph member`

use clap::{Subcommand, ValueEnum};
use entity::project_member::Role;

use super::{line, print_table};
use crate::{
    app::App,
    db::print_instant,
    domain::{project, user},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a user a member of a project, or give a member another role.
    Add {
        /// The project's id.
        #[arg(long)]
        project: i64,
        /// The user: a username, an e-mail address or an id.
        #[arg(long)]
        user: String,
        /// What they may do in it.
        #[arg(long, value_enum, default_value = "annotator")]
        role: MemberRole,
    },
    /// End a membership. What the member made stays.
    Remove {
        /// The project's id.
        #[arg(long)]
        project: i64,
        /// The user: a username, an e-mail address or an id.
        #[arg(long)]
        user: String,
    },
    /// List a project's members.
    List {
        /// The project's id.
        #[arg(long)]
        project: i64,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MemberRole {
    /// Reads.
    Viewer,
    /// Annotates.
    Annotator,
    /// Changes and reviews everybody's annotations.
    Reviewer,
    /// Manages tasks, config and members.
    Manager,
}

pub async fn run(app: &App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add {
            project,
            user,
            role,
        } => {
            let role = match role {
                MemberRole::Viewer => Role::Viewer,
                MemberRole::Annotator => Role::Annotator,
                MemberRole::Reviewer => Role::Reviewer,
                MemberRole::Manager => Role::Manager,
            };
            let user = user::named(app, &user).await?;
            project::operator::add_member(app, project, user.id, role).await?;
            let role = format!("{role:?}").to_lowercase();
            line(format_args!(
                "{} is now {role} of project {project}",
                user.username
            ))?;
        }
        Command::Remove { project, user } => {
            let user = user::named(app, &user).await?;
            project::operator::remove_member(app, project, user.id).await?;
            line(format_args!(
                "{} is no longer a member of project {project}",
                user.username
            ))?;
        }
        Command::List { project } => {
            let rows: Vec<Vec<String>> = project::operator::members(app, project)
                .await?
                .into_iter()
                .map(|(row, user)| {
                    vec![
                        row.user_id.to_string(),
                        user.map(|user| user.username).unwrap_or_default(),
                        format!("{:?}", row.role).to_lowercase(),
                        print_instant(row.created_at),
                    ]
                })
                .collect();
            print_table(&["USER ID", "USERNAME", "ROLE", "SINCE"], &rows)?;
        }
    }
    Ok(())
}
