//! Mutations of tasks.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::{
    super::{
        context::ContextExt,
        input::patch,
        list::List,
        project::Project,
        scalar::{JsonObject, int},
    },
    Task,
};
use crate::{domain::task as tasks, error::Result, id};

/// A new task.
#[derive(InputObject)]
pub struct CreateTaskInput {
    /// The data to annotate: the values of the config's variables.
    data: JsonObject,
    /// Further data about the task.
    meta: Option<JsonObject>,
    /// Number of different people who have to annotate the task, at least 1.
    #[graphql(default = 1)]
    overlap: i32,
}

/// A change of a task. An absent field keeps its value. `null` clears `meta`; for all remaining fields
/// `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateTaskInput {
    /// The data to annotate: the values of the config's variables. Annotations stay unchanged, even when
    /// made for the old data.
    data: MaybeUndefined<JsonObject>,
    /// Further data about the task. `null` clears the value.
    meta: MaybeUndefined<JsonObject>,
    /// Number of different people who have to annotate the task, at least 1; `isLabeled` follows.
    overlap: MaybeUndefined<i32>,
    /// The task's `version` that the change is based on: at a different version the change is refused with
    /// CONFLICT. When absent, the last change wins. `null` is BAD_USER_INPUT.
    expected_version: MaybeUndefined<i32>,
}

/// Summary of the rows deleted with a task.
pub struct DeletedTask(tasks::Deleted);

/// Summary of the rows deleted with a task.
#[Object]
impl DeletedTask {
    /// Id of the deleted row.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The project of the deleted task.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::known(ctx, self.0.project_id).await
    }

    /// Number of deleted annotations, cancelled annotations included. Their histories stay, and each has a
    /// DELETED event; deleted annotations of a deleted task can't be restored.
    async fn annotation_count(&self) -> i32 {
        int(self.0.annotations)
    }

    /// Number of deleted predictions.
    async fn prediction_count(&self) -> i32 {
        int(self.0.predictions)
    }

    /// Number of deleted drafts, of all users.
    async fn draft_count(&self) -> i32 {
        int(self.0.drafts)
    }
}

/// Root fields that write tasks.
#[derive(Default)]
pub struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Add tasks to a project, all or none, at most 1,000 at once. For managers. Answers with the tasks in
    /// the order of the input.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(desc = "The tasks.")] tasks: Vec<CreateTaskInput>,
    ) -> Option<Result<List<Task>>> {
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

    /// Change a task: given fields are set, absent fields keep their values. For managers. Existing
    /// annotations are not checked again.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// CONFLICT with `currentVersion` and `current`, the current task.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
        #[graphql(desc = "The change.")] input: UpdateTaskInput,
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

    /// Delete a task with its annotations, predictions and drafts. For managers. Copies of the annotations
    /// and predictions lose their parent. The histories of the annotations stay, but nothing can be
    /// restored.
    ///
    /// Errors: NOT_FOUND, FORBIDDEN.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task's id.")] id: ID,
    ) -> Option<Result<DeletedTask>> {
        let deleted = tasks::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(deleted.map(DeletedTask))
    }
}
