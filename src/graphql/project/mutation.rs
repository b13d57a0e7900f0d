//! Mutations of projects and their members.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{
    super::{context::ContextExt, input::patch, scalar::int},
    CheckMode, Project, ProjectMember, ProjectRole,
};
use crate::{domain::project as projects, error::Result, id};

/// A new project.
#[derive(InputObject)]
pub struct CreateProjectInput {
    /// The title, at most 255 characters and not blank.
    title: String,
    /// The description.
    #[graphql(default)]
    description: String,
    /// Label Studio's labelling config, XML; empty for a project without a config. Faults of the config are
    /// problems INVALID_CONFIG, each with `line` and `column`.
    #[graphql(default)]
    label_config: String,
    /// Strictness of the checks of incoming results against the config.
    #[graphql(default_with = "CheckMode::Standard")]
    check_mode: CheckMode,
}

/// A change of a project. An absent field keeps its value; `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateProjectInput {
    /// The title, at most 255 characters and not blank.
    title: MaybeUndefined<String>,
    /// The description.
    description: MaybeUndefined<String>,
    /// Label Studio's labelling config, XML; empty for a project without a config. Faults of the config are
    /// problems INVALID_CONFIG, each with `line` and `column`. A config that existing annotations or drafts
    /// would no longer fit is refused as UNFIT_RESULT, unless `force` is true; annotations that do not fit
    /// the old config don't count.
    label_config: MaybeUndefined<String>,
    /// Strictness of the checks of incoming results against the config. Stored results stay.
    check_mode: MaybeUndefined<CheckMode>,
    /// The project's `version` that the change is based on: at a different version the change is refused
    /// with CONFLICT. When absent, the last change wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
}

/// Summary of the rows deleted with a project.
#[derive(SimpleObject)]
pub struct DeletedProject {
    /// Id of the deleted row.
    id: ID,
    /// Number of deleted tasks.
    task_count: i32,
    /// Number of deleted annotations, deleted with their histories.
    annotation_count: i32,
    /// Number of deleted predictions.
    prediction_count: i32,
    /// Number of deleted drafts, of all users.
    draft_count: i32,
}

/// Root fields that write projects and members.
#[derive(Default)]
pub struct ProjectMutation;

#[Object]
impl ProjectMutation {
    /// Create a project. For every user; the creator becomes the first manager.
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

    /// Change a project: given fields are set, absent fields keep their values. For managers.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// CONFLICT with `currentVersion` and `current`, the current project, BAD_USER_INPUT with UNFIT_RESULT
    /// for each control, label and the like that annotations or drafts use and a new `labelConfig` lacks.
    /// With `checkMode` OFF no result is compared, and predictions never are.
    async fn update_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] id: ID,
        #[graphql(desc = "The change.")] input: UpdateProjectInput,
        #[graphql(
            desc = "Accept a labelling config that existing annotations or drafts would not fit; the results stay unchanged.",
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

    /// Delete a project with its tasks, their annotations, predictions and drafts, the memberships, and the
    /// history and events of the annotations. For managers. Nothing can be restored, and no
    /// `annotationEvents` report the deletion, because the project has no members left.
    ///
    /// Errors: NOT_FOUND, FORBIDDEN.
    async fn delete_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] id: ID,
    ) -> Option<Result<DeletedProject>> {
        let deleted = projects::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(deleted.map(|deleted| DeletedProject {
            // The deleted project can't be loaded any more, so the answer holds counts alone.
            id: deleted.id.into(),
            task_count: int(deleted.tasks),
            annotation_count: int(deleted.annotations),
            prediction_count: int(deleted.predictions),
            draft_count: int(deleted.drafts),
        }))
    }

    /// Make a user a member of a project, or give a member a new role. For managers, who can add the users
    /// they see; an admin sees all.
    async fn add_project_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(desc = "The user's id.")] user_id: ID,
        #[graphql(desc = "The member's permissions in the project.")] role: ProjectRole,
    ) -> Option<Result<ProjectMember>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let (project_id, user_id) = (id::reference(&project_id), id::reference(&user_id));
        let row = projects::add_member(app, actor, project_id, user_id, role.into()).await;
        Some(row.map(ProjectMember))
    }

    /// End a membership. For managers. Answers with the ended membership; the member's work stays.
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
