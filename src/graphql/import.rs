//! `importTasks`: Label Studio's JSON through GraphQL.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};

use super::{
    context::ContextExt,
    project::Project,
    scalar::{Json, JsonObject},
    task::Task,
};
use crate::{
    domain::import::{self, Misfits},
    error::Result,
    id,
};

/// What becomes of imported annotations and predictions whose result does not fit the project's labelling
/// config.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Misfits")]
pub enum ImportMisfits {
    /// They are imported as they are, and told in `notes`.
    Note,
    /// Nothing is imported: BAD_USER_INPUT with what does not fit.
    Refuse,
    /// They are imported as they are; nobody looks.
    Ignore,
}

/// What came of an import.
pub struct ImportedTasks {
    project_id: i64,
    imported: import::Imported,
}

/// Something that an import had to change, that does not fit the labelling config, or that was read leniently.
#[derive(SimpleObject)]
pub struct ImportNote {
    /// Where it is: a list that starts with `"tasks"` and the item's index; indexes are numbers.
    path: Json,
    /// The code of what does not fit; null for what was changed or read leniently.
    code: Option<String>,
    /// A sentence for a person.
    message: String,
}

/// What came of an import.
#[Object]
impl ImportedTasks {
    /// The project that the tasks are in.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::known(ctx, self.project_id).await
    }

    /// The ids of the new tasks, in the order of the items.
    async fn task_ids(&self) -> Vec<ID> {
        let ids = self.imported.task_ids.iter();
        ids.map(|id| (*id).into()).collect()
    }

    /// The new tasks, in the order of the items.
    async fn tasks(&self) -> Vec<Task> {
        let ids = self.imported.task_ids.iter();
        ids.map(|id| Task::Id(*id)).collect()
    }

    /// How many tasks there are.
    async fn task_count(&self) -> usize {
        self.imported.counts.tasks
    }

    /// How many annotations came with them.
    async fn annotation_count(&self) -> usize {
        self.imported.counts.annotations
    }

    /// How many predictions came with them.
    async fn prediction_count(&self) -> usize {
        self.imported.counts.predictions
    }

    /// How many drafts came with them.
    async fn draft_count(&self) -> usize {
        self.imported.counts.drafts
    }

    /// What had to be changed, then what does not fit the labelling config, then lenient readings (`completions`,
    /// times without an offset, misspelt keys): the first 1,000.
    async fn notes(&self) -> Result<Vec<ImportNote>> {
        let notes = self.imported.notes.told.iter();
        notes
            .map(|note| {
                let code = serde_json::to_value(note.code)?;
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

    /// How many notes there are, those beyond the first 1,000 too.
    async fn note_count(&self) -> usize {
        self.imported.notes.count()
    }
}

#[derive(Default)]
pub struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Bring items of Label Studio's JSON into a project, as it exports or imports them: tasks with their
    /// annotations, predictions and drafts, all or none, at most 1,000 tasks and 10,000 of the others at once.
    /// For managers. Larger files are for `annograph import`.
    ///
    /// People are found by their id or e-mail address among the users that you see; everybody else becomes a
    /// user without sign-in and without e-mail address, so that their work keeps an author: the same one
    /// whenever they are imported into the project, whether or not a user whom you do not see is meant.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the items, at `["tasks", index, …]`,
    /// NOT_FOUND, FORBIDDEN, BAD_USER_INPUT with everything that does not fit the labelling config.
    async fn import_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project's id.")] project_id: ID,
        #[graphql(
            desc = "The items: a task's `data` with all that hangs on it, or the data alone."
        )]
        tasks: Vec<JsonObject>,
        #[graphql(
            desc = "What becomes of results that do not fit the labelling config.",
            default_with = "ImportMisfits::Refuse"
        )]
        misfits: ImportMisfits,
    ) -> Option<Result<ImportedTasks>> {
        let project_id = id::reference(&project_id);
        let items = tasks.into_iter().map(|task| task.0).collect();
        let (app, actor) = (ctx.app(), ctx.actor());
        let imported = import::call(app, actor, project_id, items, misfits.into()).await;
        Some(imported.map(|imported| ImportedTasks {
            project_id,
            imported,
        }))
    }
}
