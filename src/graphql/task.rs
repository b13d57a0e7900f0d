//! Task type with its fields, filter and root fields.

mod filter;
mod mutation;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::task;

use super::{
    agreement::{self, AgreementMetric},
    annotation::{Annotation, AnnotationFilter, AnnotationOrder, list_of},
    connection::{Connection, ListQuery, RootQuery, arguments, nested, root},
    context::{At, ContextExt},
    draft::AnnotationDraft,
    list::List,
    loader::{DraftsOfTask, GroundTruthOf, PredictionsOf, TaskId},
    prediction::Prediction,
    project::Project,
    scalar::{DateTime, JsonObject, Stored},
    total::RootFilter,
    user::User,
};
use crate::{
    app::App,
    domain::{
        access::Actor,
        annotation::Parent,
        page::{Arguments, Page, PageRows},
        task as tasks,
    },
    error::{Error, Problem, Result},
    id,
};

pub use self::{
    filter::{TaskFilter, TaskOrder},
    mutation::TaskMutation,
};

/// The fields that hold large columns.
pub const DATA: &[&str] = &["data", "meta"];

/// An item of data to annotate.
#[derive(Clone)]
pub enum Task {
    Row(Arc<task::Model>),
    /// Known to exist; read when more than the id is asked for.
    Id(i64),
}

impl From<Arc<task::Model>> for Task {
    fn from(row: Arc<task::Model>) -> Self {
        Self::Row(row)
    }
}

impl From<task::Model> for Task {
    fn from(row: task::Model) -> Self {
        Self::Row(Arc::new(row))
    }
}

impl Task {
    fn key(&self) -> i64 {
        match self {
            Self::Row(row) => row.id,
            Self::Id(id) => *id,
        }
    }

    /// Reads a task visible to the viewer, with the data if selected.
    pub async fn load(ctx: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let times = ctx.times(At::Object, DATA);
        let row = ctx
            .loader()
            .load_one(TaskId { id, times })
            .await?
            .transpose()?;
        Ok(row.map(Self::Row))
    }

    /// A task that is known to exist: read at once when its data is asked for, so that this is where it fails.
    pub async fn known(ctx: &Context<'_>, id: i64) -> Result<Self> {
        match ctx.times(At::Object, DATA) {
            // A visible child implies a visible task, unless the task was deleted since.
            0 => Ok(Self::Id(id)),
            _ => Self::load(ctx, id).await?.ok_or(Error::NotFound("task")),
        }
    }

    async fn row(&self, ctx: &Context<'_>) -> Result<Arc<task::Model>> {
        match self {
            Self::Row(row) => Ok(row.clone()),
            Self::Id(id) => read(ctx, TaskId { id: *id, times: 0 }).await,
        }
    }

    /// The row with its data, which a list may have left out.
    async fn whole_row(&self, ctx: &Context<'_>) -> Result<Arc<task::Model>> {
        match self {
            // Stored data is at least `{}`, so an empty text means that the data was not read.
            Self::Row(row) if !row.data.is_empty() => Ok(row.clone()),
            task => {
                let id = task.key();
                read(ctx, TaskId { id, times: 1 }).await
            }
        }
    }
}

async fn read(ctx: &Context<'_>, key: TaskId) -> Result<Arc<task::Model>> {
    let row = ctx.loader().load_one(key).await?.transpose()?;
    row.ok_or(Error::NotFound("task"))
}

/// An item of data to annotate.
#[Object]
impl Task {
    /// Unique among tasks.
    async fn id(&self) -> ID {
        self.key().into()
    }

    /// 1 at first, incremented by every `updateTask` with an effect, and by nothing else. As
    /// `expectedVersion`, the value makes the server refuse a change when the task was changed meanwhile.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.version)
    }

    /// The project of the task.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.row(ctx).await?.project_id;
        Project::known(ctx, id).await
    }

    /// The data to annotate: the values of the config's variables.
    async fn data(&self, ctx: &Context<'_>) -> Result<Stored<JsonObject>> {
        let row = self.whole_row(ctx).await?;
        Ok(Stored::in_row(row, |row| &row.data))
    }

    /// Further data about the task. Null when not given.
    async fn meta(&self, ctx: &Context<'_>) -> Option<Result<Stored<JsonObject>>> {
        match self.whole_row(ctx).await {
            // Null stands for a task without meta; an error must not look the same.
            Ok(row) if row.meta.is_none() => None,
            Ok(row) => Some(Ok(Stored::in_row(row, |row| {
                row.meta.as_deref().unwrap_or_default()
            }))),
            Err(error) => Some(Err(error)),
        }
    }

    /// The task's annotations, cancelled annotations included.
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
        list_of(ctx, Parent::Task, self.key(), filter, order_by, arguments).await
    }

    /// Predictions of models for the task, oldest first.
    async fn predictions(&self, ctx: &Context<'_>) -> Result<List<Prediction>> {
        let (id, times) = (self.key(), ctx.results(At::Object));
        let rows = ctx.loader().load_one(PredictionsOf { id, times }).await?;
        let rows = rows.transpose()?.unwrap_or_default();
        ctx.charge_items(rows.len())?;
        Ok(rows.into_iter().map(Prediction).collect())
    }

    /// Unfinished annotations of the task: yours, and in projects that you manage everybody's.
    async fn drafts(&self, ctx: &Context<'_>) -> Result<List<AnnotationDraft>> {
        let (id, times) = (self.key(), ctx.results(At::Object));
        let rows = ctx.loader().load_one(DraftsOfTask { id, times }).await?;
        let rows = rows.transpose()?.unwrap_or_default();
        ctx.charge_items(rows.len())?;
        Ok(rows.into_iter().map(AnnotationDraft).collect())
    }

    /// Enough people have annotated the task: the number of distinct authors of uncancelled annotations, in
    /// which all annotations without an author count as a single author, reaches `overlap`.
    async fn is_labeled(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.row(ctx).await?.is_labeled)
    }

    /// Number of different people who have to annotate the task.
    async fn overlap(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.overlap)
    }

    /// Number of annotations that are not cancelled.
    async fn total_annotations(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.total_annotations)
    }

    /// Number of cancelled annotations.
    async fn cancelled_annotations(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.cancelled_annotations)
    }

    /// Number of predictions.
    async fn total_predictions(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.total_predictions)
    }

    /// The ground truth. Null when no annotation has the flag.
    async fn ground_truth(&self, ctx: &Context<'_>) -> Option<Result<Annotation>> {
        let (id, times) = (self.key(), ctx.results(At::Object));
        let row = ctx.loader().load_one(GroundTruthOf { id, times }).await;
        Some(row.transpose()?.flatten().map(Annotation))
    }

    /// Agreement of the uncancelled annotations: the mean over all pairs by different authors, in which
    /// annotations without an author count as by different people. Null with fewer than two such
    /// annotations, and when the annotations hold nothing that the metric compares; pairs with nothing to
    /// compare are left out.
    ///
    /// LIMIT_EXCEEDED, and null, when the annotations hold more than 32 MiB together or would take too long
    /// to compare, or when all tasks of the answer take eight times as much.
    async fn agreement(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Formula of the agreement. Unless given, the mean over the used controls, each by the metric that fits: IOU for areas, SPAN_F1 for spans, EXACT_MATCH for answers."
        )]
        metric: Option<AgreementMetric>,
    ) -> Option<Result<f64>> {
        agreement::of_task(ctx, self.key(), metric).await
    }

    /// Time of creation.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(DateTime(self.row(ctx).await?.created_at))
    }

    /// Time of the last change of the task or of an annotation of the task.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(DateTime(self.row(ctx).await?.updated_at))
    }

    /// User of that change. Null after the user's deletion, and while you may not see the user.
    async fn updated_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        match self.row(ctx).await {
            Ok(row) => User::load(ctx, row.updated_by_id).await,
            Err(error) => Some(Err(error)),
        }
    }

    /// Id in the system of the import. Null when not imported.
    async fn import_id(&self, ctx: &Context<'_>) -> Option<Result<ID>> {
        match self.row(ctx).await {
            Ok(row) => row.import_id.map(|id| Ok(id.into())),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Root fields that read tasks.
#[derive(Default)]
pub struct TaskQuery;

#[Object]
impl TaskQuery {
    /// One task. Null when there is no such task, or you may not see it.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Option<Result<Task>> {
        Task::load(ctx, id::reference(&id)).await.transpose()
    }

    /// The tasks that you may see.
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
        #[graphql(desc = "The first items, 50 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Task>>> {
        let query = query(ctx, filter, order_by);
        Some(root(ctx, query, arguments(first, after, last, before)).await)
    }
}

fn query(ctx: &Context<'_>, filter: Option<TaskFilter>, order: Option<TaskOrder>) -> tasks::Query {
    tasks::Query {
        filter: filter.unwrap_or_default().into(),
        order: TaskOrder::ordering(order),
        data: ctx.times(At::Page, DATA),
    }
}

/// Reads a page of a project's tasks, in a batch with further projects.
pub async fn list_of_project(
    ctx: &Context<'_>,
    project_id: i64,
    filter: Option<TaskFilter>,
    order: Option<TaskOrder>,
    arguments: Arguments,
) -> Result<Connection<Task>> {
    let query = || query(ctx, filter, order);
    nested(ctx, project_id, query, arguments).await
}

impl ListQuery for tasks::Query {
    type Filter = tasks::Filter;
    type Row = Arc<task::Model>;

    fn filter(&self) -> tasks::Filter {
        self.filter.clone()
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        Page::of(arguments, &self.filter, self.order)
    }
}

impl RootQuery for tasks::Query {
    async fn rows(
        &self,
        app: &App,
        actor: &Actor,
        page: &Page,
    ) -> Result<PageRows<Arc<task::Model>>> {
        let rows = tasks::list(app, actor, self, page).await?;
        Ok(rows.map(Arc::new))
    }
}

impl RootFilter for tasks::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        tasks::count(app, actor, self).await
    }
}
