//! `annograph member`: members of projects.

use clap::{Subcommand, ValueEnum};
use entity::project_member::Role;

use super::{line, print_table};
use crate::{
    app::App,
    domain::{project, user},
    instant,
};

/// Subcommands of `annograph member`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a member to a project, or change a member's role.
    Add {
        /// Id of the project.
        #[arg(long)]
        project: i64,
        /// Username, e-mail address or id of the user.
        #[arg(long)]
        user: String,
        /// Role in the project.
        #[arg(long, value_enum, default_value = "annotator")]
        role: MemberRole,
    },
    /// Remove a member. The member's annotations stay.
    Remove {
        /// Id of the project.
        #[arg(long)]
        project: i64,
        /// Username, e-mail address or id of the user.
        #[arg(long)]
        user: String,
    },
    /// List the members of a project.
    List {
        /// Id of the project.
        #[arg(long)]
        project: i64,
    },
}

/// Role of a member in a project, as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MemberRole {
    /// Reads.
    Viewer,
    /// Annotates.
    Annotator,
    /// Changes and reviews all annotations.
    Reviewer,
    /// Manages tasks, config and members.
    Manager,
}

/// Runs a subcommand. Fails on an unknown user or project, and on an error of the database.
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
            let user = user::by_name(app, &user).await?;
            project::admin::add_member(app, project, user.id, role).await?;
            let role = format!("{role:?}").to_lowercase();
            line(format_args!(
                "{} is now {role} of project {project}",
                user.username
            ))?;
        }
        Command::Remove { project, user } => {
            let user = user::by_name(app, &user).await?;
            project::admin::remove_member(app, project, user.id).await?;
            line(format_args!(
                "{} is no longer a member of project {project}",
                user.username
            ))?;
        }
        Command::List { project } => {
            let rows: Vec<Vec<String>> = project::admin::members(app, project)
                .await?
                .into_iter()
                .map(|(row, user)| {
                    vec![
                        row.user_id.to_string(),
                        user.map(|user| user.username).unwrap_or_default(),
                        format!("{:?}", row.role).to_lowercase(),
                        instant::print(row.created_at),
                    ]
                })
                .collect();
            print_table(&["USER ID", "USERNAME", "ROLE", "SINCE"], &rows)?;
        }
    }
    Ok(())
}
