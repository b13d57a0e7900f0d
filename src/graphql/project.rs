//! Project and membership types with their fields.

mod filter;
mod member;
mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use entity::project;

use super::{
    annotation::{Annotation, AnnotationFilter, AnnotationOrder, list_of},
    connection::{Connection, ListQuery, RootQuery, arguments, root},
    context::{At, ContextExt},
    control::{ConfigObject, Control, ControlLabel},
    list::List,
    loader::{AnnotationsFilter, CountOf, MembersOf, ProjectId, RoleIn},
    scalar::DateTime,
    task::{Task, TaskFilter, TaskOrder, list_of_project},
    total::{Counted, RootFilter},
    user::User,
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation::{self, Parent},
        labelling,
        page::{Arguments, Page, PageRows},
        project as projects, task,
    },
    error::{Error, Problem, Result},
    id,
};

pub use self::{
    filter::{ProjectFilter, ProjectOrder},
    member::{ProjectMember, ProjectRole},
    mutation::ProjectMutation,
};

/// A set of tasks that share a labelling config.
#[derive(Clone)]
pub enum Project {
    Row(Arc<project::Model>),
    /// Row read without the large columns.
    Light(Arc<project::Model>),
    /// Known to exist; read when more than the id is asked for.
    Id(i64),
}

/// The fields that take large columns.
pub const TEXTS: &[&str] = &[
    "description",
    "labelConfig",
    "controls",
    "objects",
    "relationLabels",
];

impl From<project::Model> for Project {
    fn from(row: project::Model) -> Self {
        Self::Row(Arc::new(row))
    }
}

impl Project {
    fn key(&self) -> i64 {
        match self {
            Self::Row(row) | Self::Light(row) => row.id,
            Self::Id(id) => *id,
        }
    }

    /// Reads a project visible to the viewer, with the large columns if selected.
    pub async fn load(ctx: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let times = ctx.times(At::Object, TEXTS);
        let row = ctx
            .loader()
            .load_one(ProjectId { id, times })
            .await?
            .transpose()?;
        Ok(row.map(|row| Self::read_with(row, times)))
    }

    /// A row that was read for an answer which holds its large columns so many times.
    pub fn read_with(row: Arc<project::Model>, times: u64) -> Self {
        match times {
            0 => Self::Light(row),
            _ => Self::Row(row),
        }
    }

    /// A project that is known to exist: read at once when its large columns are asked for, so that this is where
    /// it fails.
    pub async fn known(ctx: &Context<'_>, id: i64) -> Result<Self> {
        match ctx.times(At::Object, TEXTS) {
            0 => Ok(Self::Id(id)),
            // A visible child implies a visible project, unless the project was deleted since.
            _ => Self::load(ctx, id).await?.ok_or(Error::NotFound("project")),
        }
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<Arc<project::Model>> {
        match self {
            Self::Row(row) | Self::Light(row) => Ok(row.clone()),
            Self::Id(id) => read(ctx, ProjectId { id: *id, times: 0 }).await,
        }
    }

    /// Returns the row with the large columns.
    async fn whole_row(&self, ctx: &Context<'_>) -> Result<Arc<project::Model>> {
        match self {
            Self::Row(row) => Ok(row.clone()),
            project => {
                let id = project.key();
                read(ctx, ProjectId { id, times: 1 }).await
            }
        }
    }
}

async fn read(ctx: &Context<'_>, key: ProjectId) -> Result<Arc<project::Model>> {
    let row = ctx.loader().load_one(key).await?.transpose()?;
    row.ok_or(Error::NotFound("project"))
}

/// Strictness of the checks of incoming results against the labelling config. Mutations refuse results that
/// do not fit; for `importTasks`, `misfits` decides.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "project::CheckMode")]
pub enum CheckMode {
    /// No check: a result is any list of objects, as in Label Studio itself.
    Off,
    /// The checks of Label Studio's SDK: controls, objects, types, labels, and the shape of values.
    Standard,
    /// Also the promises of the config: lower bounds, single choices, required answers, `min` and `max`,
    /// `maxSubmissions`, and offsets within the task's text.
    Strict,
}

/// A set of tasks that share a labelling config.
#[Object]
impl Project {
    /// Unique among projects.
    async fn id(&self) -> ID {
        self.key().into()
    }

    /// 1 at first, incremented by every `updateProject` with an effect, and by nothing else. As
    /// `expectedVersion`, the value makes the server refuse a change when the project was changed
    /// meanwhile.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.version)
    }

    /// The title.
    async fn title(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.row(ctx).await?.title.clone())
    }

    /// The description; may be empty.
    async fn description(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.whole_row(ctx).await?.description.clone())
    }

    /// Label Studio's labelling config, XML; empty for a project without a config.
    async fn label_config(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.whole_row(ctx).await?.label_config.clone())
    }

    /// Strictness of the checks of incoming results against the config. Without a config nothing is
    /// checked.
    async fn check_mode(&self, ctx: &Context<'_>) -> Result<CheckMode> {
        Ok(self.row(ctx).await?.check_mode.into())
    }

    /// Controls of the labelling config, in the order of the config; empty without a config.
    async fn controls(&self, ctx: &Context<'_>) -> Result<List<Control>> {
        let row = self.whole_row(ctx).await?;
        let listed = Control::all(&labelling::config(ctx.app(), &row).await);
        ctx.charge_items(listed.len())?;
        Ok(listed.into())
    }

    /// Objects of the labelling config, the shown parts of a task, in the order of the config, with and
    /// without a control; empty without a config.
    async fn objects(&self, ctx: &Context<'_>) -> Result<List<ConfigObject>> {
        let row = self.whole_row(ctx).await?;
        let listed = ConfigObject::all(&labelling::config(ctx.app(), &row).await);
        ctx.charge_items(listed.len())?;
        Ok(listed.into())
    }

    /// Labels for relations in the labelling config, in the order of the config; empty without a
    /// `Relation`.
    async fn relation_labels(&self, ctx: &Context<'_>) -> Result<List<ControlLabel>> {
        let row = self.whole_row(ctx).await?;
        let config = labelling::config(ctx.app(), &row).await;
        let labels = ControlLabel::of_relations(&config);
        ctx.charge_items(labels.len())?;
        Ok(labels.into())
    }

    /// The project's tasks.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            TaskFilter,
        >,
        #[graphql(desc = "Order of the list; ascending by id unless given.")] order_by: Option<
            TaskOrder,
        >,
        #[graphql(desc = "The first items, 20 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Task>> {
        let arguments = arguments(first, after, last, before);
        list_of_project(ctx, self.key(), filter, order_by, arguments).await
    }

    /// The annotations of the project's tasks.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            AnnotationFilter,
        >,
        #[graphql(desc = "Order of the list; ascending by id unless given.")] order_by: Option<
            AnnotationOrder,
        >,
        #[graphql(desc = "The first items, 20 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Annotation>> {
        let arguments = arguments(first, after, last, before);
        list_of(
            ctx,
            Parent::Project,
            self.key(),
            filter,
            order_by,
            arguments,
        )
        .await
    }

    /// The members, in the order of joining.
    async fn members(&self, ctx: &Context<'_>) -> Result<List<ProjectMember>> {
        let rows = ctx.loader().load_one(MembersOf(self.key())).await?;
        let rows = rows.unwrap_or_default();
        ctx.charge_items(rows.len())?;
        Ok(rows.into_iter().map(ProjectMember).collect())
    }

    /// Number of tasks. Counted when selected, at a cost of 1,000.
    async fn task_count(&self, ctx: &Context<'_>) -> Result<i64> {
        CountOf::new(self.key(), task::Filter::default())
            .count(ctx)
            .await
    }

    /// Number of annotations of the project's tasks, cancelled annotations included. Counted when selected,
    /// at a cost of 1,000.
    async fn annotation_count(&self, ctx: &Context<'_>) -> Result<i64> {
        let filter = AnnotationsFilter {
            parent: Parent::Project,
            filter: annotation::Filter::default(),
        };
        CountOf::new(self.key(), filter).count(ctx).await
    }

    /// Your permissions in the project. An admin is a manager everywhere.
    async fn viewer_role(&self, ctx: &Context<'_>) -> Option<Result<ProjectRole>> {
        let role = ctx
            .loader()
            .load_one(RoleIn(self.key()))
            .await
            .transpose()?;
        Some(role.map(Into::into))
    }

    /// User who created the project. Null after the user's deletion, and while you may not see the user.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        match self.row(ctx).await {
            Ok(row) => User::load(ctx, row.created_by_id).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// Time of creation.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(DateTime(self.row(ctx).await?.created_at))
    }

    /// Time of the last change of title, description, config or check mode.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(DateTime(self.row(ctx).await?.updated_at))
    }
}

/// Root fields that read projects.
#[derive(Default)]
pub struct ProjectQuery;

#[Object]
impl ProjectQuery {
    /// A project by id. Null when no such project exists, or you may not see the project.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] id: ID,
    ) -> Option<Result<Project>> {
        Project::load(ctx, id::reference(&id)).await.transpose()
    }

    /// The projects that you may see: your own, for admins all.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            ProjectFilter,
        >,
        #[graphql(desc = "Order of the list; ascending by id unless given.")] order_by: Option<
            ProjectOrder,
        >,
        #[graphql(desc = "The first items, 50 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Project>>> {
        let query = projects::Query {
            filter: filter.unwrap_or_default().into(),
            order: ProjectOrder::ordering(order_by),
            texts: ctx.times(At::Page, TEXTS),
        };
        Some(root(ctx, query, arguments(first, after, last, before)).await)
    }
}

impl ListQuery for projects::Query {
    type Filter = projects::Filter;
    type Row = Project;

    fn filter(&self) -> projects::Filter {
        self.filter.clone()
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        Page::of(arguments, &self.filter, self.order)
    }
}

impl RootQuery for projects::Query {
    async fn rows(&self, app: &App, actor: &Actor, page: &Page) -> Result<PageRows<Project>> {
        let rows = projects::list(app, actor, self, page).await?;
        // Rows read without texts must not pass for projects with empty texts.
        Ok(rows.map(|row| Project::read_with(Arc::new(row), self.texts)))
    }
}

impl RootFilter for projects::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        projects::count(app, actor, self).await
    }
}
