//! Changes of tasks.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{
    super::{annotation::patch, context::ContextExt, project::Project, scalar::JsonObject},
    Task,
};
use crate::{domain::task as tasks, error::Result, id};

/// A new task.
#[derive(InputObject)]
pub struct CreateTaskInput {
    /// What is to be annotated: the values of the config's variables.
    data: JsonObject,
    /// Whatever else is known about it.
    meta: Option<JsonObject>,
    /// How many different people have to annotate it, at least 1.
    #[graphql(default = 1)]
    overlap: i32,
}

/// A change of a task. A field that is left out stays as it is. `null` clears `meta`; for every other field it
/// is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateTaskInput {
    /// What is to be annotated: the values of the config's variables. Annotations stay as they are, whatever
    /// they were made for.
    data: MaybeUndefined<JsonObject>,
    /// Whatever else is known about it. `null` clears it.
    meta: MaybeUndefined<JsonObject>,
    /// How many different people have to annotate it, at least 1; `isLabeled` follows.
    overlap: MaybeUndefined<i32>,
    /// The task's `version` that the change was made to: at another one it is refused with CONFLICT. Left out, the
    /// last change wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
}

/// What went with a deleted task.
#[derive(SimpleObject)]
pub struct DeletedTask {
    /// The id that it had.
    id: ID,
    /// The project that it was in.
    project: Project,
    /// Annotations that were deleted, cancelled ones too. Their histories stay, and each has a DELETED event;
    /// they can't be restored.
    annotation_count: i32,
    /// Predictions that were deleted.
    prediction_count: i32,
    /// Drafts that were deleted, everybody's.
    draft_count: i32,
}

#[derive(Default)]
pub struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Add tasks to a project, all or none, at most 1,000 at once. For managers. Answers with them in the
    /// order of the input.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(desc = "The tasks.")] tasks: Vec<CreateTaskInput>,
    ) -> Option<Result<Vec<Task>>> {
        let new = tasks
            .into_iter()
            .map(|task| tasks::New {
                data: task.data.0,
                meta: task.meta.map(|meta| meta.0),
                overlap: task.overlap,
            })
            .collect();
        let rows = tasks::create(ctx.app(), ctx.actor(), id::reference(&project_id), new).await;
        Some(rows.map(|rows| rows.into_iter().map(Task::from).collect()))
    }

    /// Change a task: what is sent is set, what is left out stays. For managers. Its annotations are not looked
    /// at again.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN, CONFLICT with
    /// `currentVersion` and `current`, the task as it is.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "What to change.")] input: UpdateTaskInput,
    ) -> Option<Result<Task>> {
        let change = tasks::Change {
            data: patch(input.data, |data| data.0),
            meta: patch(input.meta, |meta| meta.0),
            overlap: patch(input.overlap, |overlap| overlap),
            expected_version: patch(input.expected_version, |version| version),
        };
        let row = tasks::update(ctx.app(), ctx.actor(), id::reference(&id), change).await;
        Some(row.map(Task::from))
    }

    /// Delete a task with its annotations, predictions and drafts. For managers. Annotations that began as one
    /// of them lose their parent. The histories of its annotations stay, but nothing of it can be restored.
    ///
    /// Errors: NOT_FOUND, FORBIDDEN.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Option<Result<DeletedTask>> {
        let deleted = tasks::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(deleted.map(|deleted| DeletedTask {
            id: deleted.id.into(),
            project: Project::Id(deleted.project_id),
            annotation_count: small(deleted.annotations),
            prediction_count: small(deleted.predictions),
            draft_count: small(deleted.drafts),
        }))
    }
}

/// A count as GraphQL has numbers.
pub fn small(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
