//! Changes of projects and their members.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{
    super::{annotation::patch, context::ContextExt, task::small},
    CheckMode, Project, ProjectMember, ProjectRole,
};
use crate::{domain::project as projects, error::Result, id};

/// A new project.
#[derive(InputObject)]
pub struct CreateProjectInput {
    /// Its title, at most 255 characters and not blank.
    title: String,
    /// What it is about.
    #[graphql(default)]
    description: String,
    /// Label Studio's labelling config, XML; empty as long as there is none. What is wrong with it is told as
    /// problems INVALID_CONFIG, each with its `line` and `column`.
    #[graphql(default)]
    label_config: String,
    /// How much of what comes into the project is checked against its config.
    #[graphql(default_with = "CheckMode::Standard")]
    check_mode: CheckMode,
}

/// A change of a project. A field that is left out stays as it is; `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateProjectInput {
    /// Its title, at most 255 characters and not blank.
    title: MaybeUndefined<String>,
    /// What it is about.
    description: MaybeUndefined<String>,
    /// Label Studio's labelling config, XML; empty as long as there is none. What is wrong with it is told as
    /// problems INVALID_CONFIG, each with its `line` and `column`. One that annotations or drafts would not fit
    /// any more, though they fit the one before, is refused as UNFIT_RESULT unless it is forced.
    label_config: MaybeUndefined<String>,
    /// How much of what comes into the project is checked against its config. What is in it stays.
    check_mode: MaybeUndefined<CheckMode>,
    /// The project's `version` that the change was made to: at another one it is refused with CONFLICT. Left out, the
    /// last change wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
}

/// What went with a deleted project.
#[derive(SimpleObject)]
pub struct DeletedProject {
    /// The id that it had.
    id: ID,
    /// Tasks that were deleted.
    task_count: i32,
    /// Annotations that were deleted, with their histories.
    annotation_count: i32,
    /// Predictions that were deleted.
    prediction_count: i32,
    /// Drafts that were deleted, everybody's.
    draft_count: i32,
}

#[derive(Default)]
pub struct ProjectMutation;

#[Object]
impl ProjectMutation {
    /// Create a project. Anybody may; whoever does becomes its first manager.
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] input: CreateProjectInput,
    ) -> Option<Result<Project>> {
        let new = projects::New {
            title: input.title,
            description: input.description,
            label_config: input.label_config,
            check_mode: input.check_mode.into(),
        };
        let row = projects::create(ctx.app(), ctx.actor(), new).await;
        Some(row.map(Project::from))
    }

    /// Change a project: what is sent is set, what is left out stays. For managers.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN, CONFLICT with
    /// `currentVersion` and `current`, the project as it is, BAD_USER_INPUT with UNFIT_RESULT for each control, label and the like that annotations or drafts use and a
    /// new `labelConfig` would not have. With `checkMode` OFF nothing is looked at; predictions never are.
    async fn update_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] id: ID,
        #[graphql(desc = "What to change.")] input: UpdateProjectInput,
        #[graphql(
            desc = "Take a labelling config that annotations or drafts do not fit; they stay as they are.",
            default = false
        )]
        force: bool,
    ) -> Option<Result<Project>> {
        let change = projects::Change {
            title: patch(input.title, |text| text),
            description: patch(input.description, |text| text),
            label_config: patch(input.label_config, |text| text),
            check_mode: patch(input.check_mode, Into::into),
            expected_version: patch(input.expected_version, |version| version),
        };
        let row = projects::update(ctx.app(), ctx.actor(), id::reference(&id), change, force).await;
        Some(row.map(Project::from))
    }

    /// Delete a project with its tasks, their annotations, predictions and drafts, its memberships, and the
    /// history and events of its annotations. For managers. Nothing of it can be restored, and nobody is told
    /// by `annotationEvents`: nobody belongs to it any more.
    ///
    /// Errors: NOT_FOUND, FORBIDDEN.
    async fn delete_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] id: ID,
    ) -> Option<Result<DeletedProject>> {
        let deleted = projects::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(deleted.map(|deleted| DeletedProject {
            id: deleted.id.into(),
            task_count: small(deleted.tasks),
            annotation_count: small(deleted.annotations),
            prediction_count: small(deleted.predictions),
            draft_count: small(deleted.drafts),
        }))
    }

    /// Make a user a member of a project, or give a member another role. For managers, who can add the
    /// users they see; an admin sees all.
    async fn add_project_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(desc = "The user's id.")] user_id: ID,
        #[graphql(desc = "What they may do in it.")] role: ProjectRole,
    ) -> Option<Result<ProjectMember>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let (project_id, user_id) = (id::reference(&project_id), id::reference(&user_id));
        let row = projects::add_member(app, actor, project_id, user_id, role.into()).await;
        Some(row.map(ProjectMember))
    }

    /// End a membership. For managers. Answers with it as it was; what the member made stays.
    async fn remove_project_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(desc = "The member's user id.")] user_id: ID,
    ) -> Option<Result<ProjectMember>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let (project_id, user_id) = (id::reference(&project_id), id::reference(&user_id));
        let row = projects::remove_member(app, actor, project_id, user_id).await;
        Some(row.map(ProjectMember))
    }
}
