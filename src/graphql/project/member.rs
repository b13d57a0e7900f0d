//! Membership of a user in a project, with the role.

use async_graphql::{Context, Enum, ID, Object};
use entity::project_member;

use super::{
    super::{scalar::DateTime, user::User},
    Project,
};
use crate::error::Result;

/// Permissions of a member in a project; each role includes the roles before.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "project_member::Role")]
pub enum ProjectRole {
    /// Read.
    Viewer,
    /// Annotate, and change own annotations.
    Annotator,
    /// Change all annotations, review annotations, and set ground truths.
    Reviewer,
    /// Change tasks, config, predictions, authorship and members; import and export.
    Manager,
}

/// Membership of a user in a project.
pub struct ProjectMember(pub(super) project_member::Model);

/// Membership of a user in a project.
#[Object]
impl ProjectMember {
    /// Unique among memberships. A new role keeps the id; a user who is removed and added again gets a new
    /// id.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::known(ctx, self.0.project_id).await
    }

    /// The member. Null while you may not see the user.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, Some(self.0.user_id)).await
    }

    /// The member's permissions in the project.
    async fn role(&self) -> ProjectRole {
        self.0.role.into()
    }

    /// Start of the membership.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
