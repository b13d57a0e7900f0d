//! Mutation `importTasks`: imports the items of a request in a single transaction.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Counts, Failure, Misfits, Notes, Unmapped,
    batch::Import,
    import_lock, item,
    parents::{Parents, Wanted},
    people::{Caller, People},
    problems::{Place, Problems},
    result_check::ResultCheck,
};
use crate::{
    app::{App, compute},
    domain::{
        access::{self, Actor},
        labelling::{self, Rules},
        project,
    },
    error::{Error, Path, Problem, ProblemCode, Result},
    instant,
};

/// Maximum number of tasks per request.
pub const MAX_TASKS: usize = 1_000;
/// Maximum number of annotations, predictions and drafts per request.
pub const MAX_CHILDREN: usize = 10_000;

/// Result of `importTasks`.
#[derive(Debug)]
pub struct Imported {
    /// Ids in the order of the items.
    pub task_ids: Vec<i64>,
    pub counts: Counts,
    /// Notes on changed values, then on results that do not fit the labelling config, then on lenient readings.
    pub notes: Notes,
}

/// Checked items of a request.
struct Items {
    tasks: Vec<item::Task>,
    counts: Counts,
    people: People,
    wanted: Wanted,
    /// Notes on lenient readings: `completions`, times without an offset, misspelt keys.
    readings: Notes,
}

/// Imports items of Label Studio's JSON, each the text of an object, into a project that the actor manages.
///
/// Matches people by id or e-mail address among the users whom the actor sees. Each further person becomes a user
/// without sign-in and address, and later imports into the project find the same user again.
pub async fn import_tasks(
    app: &App,
    actor: &Actor,
    project_id: i64,
    items: Vec<String>,
    misfits: Misfits,
) -> Result<Imported> {
    compute::charge(items.iter().map(String::len).sum()).await;
    // Parses before the transaction: the checks must not hold the write lock.
    let items = read(&items)?;
    let txn = app.db.begin().await?;
    let role = match project::is_visible(&txn, actor, project_id).await? {
        true => access::role_in(&txn, actor, project_id).await?,
        false => None,
    };
    let role = role.ok_or(Error::NotFound("project"))?;
    access::require(access::may_manage(role), "tasks are imported by managers")?;
    // Serialises imports before people are looked up: a parallel import may be adding the same users.
    import_lock::acquire(&txn).await?;
    let mut held = labelling::held(app, &txn, &[project_id]).await?;
    let held = held.remove(&project_id);
    let rules = held.as_ref().and_then(|labelling| labelling.rules());
    let Items {
        tasks,
        counts,
        people,
        wanted,
        readings,
    } = items;
    let (tasks, fit) = check_results(tasks, rules, misfits);
    let fit = fit?;
    let at = instant::now();
    let map = BTreeMap::new();
    let caller = Caller { actor, project_id };
    // Resolves with the caller's eyes: a match with an invisible user would reveal the user.
    let people = people.resolve(app, &txn, &map, Unmapped::Create, Some(caller), at);
    let mut people = people.await.map_err(refused)?;
    people.add_members(&txn, project_id, at).await?;
    let import = Import::new(None, project_id, people.ids, at);
    let config = held.map_or_else(Arc::default, |labelling| labelling.config);
    let tasks = tasks.into_iter();
    let tasks = tasks.map(|task| import.prepare(task, &config)).collect();
    let mut parents = Parents::new(wanted);
    let mut notes = Notes::default();
    let task_ids = import.write_in(app, &txn, tasks, &mut parents, &mut notes);
    let task_ids = task_ids.await?;
    parents.settle_in(&txn, &mut notes).await?;
    txn.commit().await?;
    notes.append(fit);
    notes.append(readings);
    Ok(Imported {
        task_ids,
        counts,
        notes,
    })
}

/// Parses the items and reports all problems that need no database.
fn read(texts: &[String]) -> Result<Items> {
    if texts.len() > MAX_TASKS {
        let message = format!("one call imports at most {MAX_TASKS} tasks");
        return Err(Problem::new(["tasks"], ProblemCode::TooLong, message).into());
    }
    let mut problems = Problems::default();
    let mut items = Items {
        tasks: Vec::with_capacity(texts.len()),
        counts: Counts::default(),
        people: People::default(),
        wanted: Wanted::default(),
        readings: Notes::default(),
    };
    for (index, text) in texts.iter().enumerate() {
        // Refuses lossy values here; the parser below works on text that survives a round trip.
        if let Err(faults) = json_fidelity::check_object(text, &[index.into()]) {
            faults.into_iter().for_each(|fault| problems.push(fault));
            continue;
        }
        let place = Place {
            index,
            location: None,
        };
        let text = text.as_bytes();
        let Some(mut task) = item::parse(place, text, &mut problems, &mut items.readings) else {
            continue;
        };
        items.counts += Counts::of(&task);
        // The limit bounds the rows of the single transaction. Further items need not be parsed to know that there are
        // too many.
        if items.counts.children() > MAX_CHILDREN {
            let message = format!(
                "one call imports at most {MAX_CHILDREN} annotations, predictions and drafts together"
            );
            return Err(Problem::new(["tasks"], ProblemCode::TooLong, message).into());
        }
        for annotation in &task.annotations {
            items.wanted.add(annotation);
        }
        for mention in std::mem::take(&mut task.mentions) {
            items.people.add(mention, &mut problems);
        }
        items.tasks.push(task);
    }
    match problems.is_empty() {
        true => Ok(items),
        false => Err(in_tasks(problems)),
    }
}

/// Checks results against the labelling config: misfits become notes, or problems if refused.
fn check_results(
    tasks: Vec<item::Task>,
    rules: Option<Rules>,
    misfits: Misfits,
) -> (Vec<item::Task>, Result<Notes>) {
    let mut problems = Problems::default();
    let mut notes = Notes::default();
    if let Some(rules) = rules {
        let result_check = ResultCheck { rules, misfits };
        for task in &tasks {
            result_check.run(task, &mut problems, &mut notes);
        }
    }
    match problems.is_empty() {
        true => (tasks, Ok(notes)),
        false => (tasks, Err(in_tasks(problems))),
    }
}

fn refused(failure: Failure) -> Error {
    match failure {
        Failure::Refused(problems) => in_tasks(problems),
        Failure::Other(error) => error,
        other => Error::Internal(Arc::new(other)),
    }
}

/// Moves the paths of problems below the argument `tasks`.
fn in_tasks(problems: Problems) -> Error {
    let inward = |mut problem: Problem| {
        let path: Path = std::iter::once("tasks".into())
            .chain(problem.path)
            .collect();
        problem.path = path;
        problem
    };
    Error::BadInput(problems.told.into_iter().map(inward).collect())
}
