//! Mutation `importTasks`: imports Label Studio's JSON (<https://labelstud.io/guide/task_format.html>).

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use futures_util::future::try_join_all;

use super::{
    context::ContextExt,
    list::List,
    project::Project,
    scalar::{Json, JsonObject},
    task::Task,
};
use crate::{
    domain::import::{self, Misfits},
    error::Result,
    id,
};

/// Handling of imported annotations and predictions whose result does not fit the project's labelling
/// config.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Misfits")]
pub enum ImportMisfits {
    /// Import the result unchanged, and report the misfit in `notes`.
    Note,
    /// Import nothing: BAD_USER_INPUT with every misfit.
    Refuse,
    /// Import the result unchecked.
    Ignore,
}

/// Summary of an import.
pub struct ImportedTasks {
    project_id: i64,
    imported: import::Imported,
}

/// A value that the import changed, a result that does not fit the labelling config, or a lenient
/// reading.
#[derive(SimpleObject)]
pub struct ImportNote {
    /// Place in the input: a list that starts with `"tasks"` and the item's index; indexes are numbers.
    path: Json,
    /// Problem code of a misfit; null for changed values and lenient readings.
    code: Option<String>,
    /// A sentence for a person.
    message: String,
}

/// Summary of an import.
#[Object]
impl ImportedTasks {
    /// The project of the tasks.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::known(ctx, self.project_id).await
    }

    /// The ids of the new tasks, in the order of the items.
    async fn task_ids(&self) -> Vec<ID> {
        let ids = self.imported.task_ids.iter();
        ids.map(|id| (*id).into()).collect()
    }

    /// The new tasks, in the order of the items.
    async fn tasks(&self, ctx: &Context<'_>) -> Result<List<Task>> {
        let ids = self.imported.task_ids.iter();
        let tasks = try_join_all(ids.map(|id| Task::known(ctx, *id)));
        Ok(tasks.await?.into())
    }

    /// Number of new tasks.
    async fn task_count(&self) -> usize {
        self.imported.counts.tasks
    }

    /// Number of imported annotations.
    async fn annotation_count(&self) -> usize {
        self.imported.counts.annotations
    }

    /// Number of imported predictions.
    async fn prediction_count(&self) -> usize {
        self.imported.counts.predictions
    }

    /// Number of imported drafts.
    async fn draft_count(&self) -> usize {
        self.imported.counts.drafts
    }

    /// Changed values, then misfits, then lenient readings (`completions`, times without an offset,
    /// misspelt keys): the first 1,000.
    async fn notes(&self) -> Result<List<ImportNote>> {
        let notes = self.imported.notes.told.iter();
        notes
            .map(|note| {
                let code = serde_json::to_value(note.code)?;
                // Paths start at the argument, like the paths of problems.
                let path: Vec<_> = std::iter::once("tasks".into())
                    .chain(note.path.iter().cloned())
                    .collect();
                Ok(ImportNote {
                    path: Json(serde_json::to_string(&path)?),
                    code: code.as_str().map(str::to_owned),
                    message: note.message.clone(),
                })
            })
            .collect()
    }

    /// Number of notes, beyond the first 1,000 too.
    async fn note_count(&self) -> usize {
        self.imported.notes.count()
    }
}

/// Root field that imports tasks.
#[derive(Default)]
pub struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Import items of Label Studio's JSON, in the format of its export or import: tasks with their
    /// annotations, predictions and drafts, all or none, at most 1,000 tasks and 10,000 annotations,
    /// predictions and drafts at once. For managers. Larger files are for `annograph import`.
    ///
    /// People are found by id or e-mail address among the users that you see. Everybody else becomes a user
    /// without sign-in and without e-mail address, so that the work keeps an author: the same user in each
    /// import into the project, whether or not a hidden user has the id or address.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the items, at `["tasks", index, …]`,
    /// NOT_FOUND, FORBIDDEN, BAD_USER_INPUT with every result that does not fit the labelling config.
    async fn import_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(
            desc = "The items: a task with `data`, annotations, predictions and drafts, or the data alone."
        )]
        tasks: Vec<JsonObject>,
        #[graphql(
            desc = "Handling of results that do not fit the labelling config.",
            default_with = "ImportMisfits::Refuse"
        )]
        misfits: ImportMisfits,
    ) -> Option<Result<ImportedTasks>> {
        let project_id = id::reference(&project_id);
        let items = tasks.into_iter().map(|task| task.0).collect();
        let (app, actor) = (ctx.app(), ctx.actor());
        let imported = import::import_tasks(app, actor, project_id, items, misfits.into()).await;
        Some(imported.map(|imported| ImportedTasks {
            project_id,
            imported,
        }))
    }
}
