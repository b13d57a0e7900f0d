//! Operations on single annotations, each as a single command.

use entity::annotation;

use super::{
    command::{Change, Command, New},
    group,
    outcome::Done,
    run::run_one,
};
use crate::{
    app::App,
    domain::{Patch, access::Actor},
    error::{Error, Result},
};

/// Deleted annotation, at the version of its deletion.
#[derive(Debug)]
pub struct Deleted {
    pub row: annotation::Model,
}

impl From<Done> for Deleted {
    fn from(done: Done) -> Self {
        Self {
            row: done.annotation,
        }
    }
}

/// Flag of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    WasCancelled(bool),
    GroundTruth(bool),
}

/// Creates an annotation of a task. A trial returns the annotation as it would be, without an id, and writes nothing.
pub async fn create(
    app: &App,
    actor: &Actor,
    task_id: i64,
    new: New,
    is_trial: bool,
) -> Result<annotation::Model> {
    let command = Command::Create { task_id, new };
    Ok(run_one(app, actor, command, is_trial).await?.annotation)
}

/// Changes an annotation, and returns the new state. A trial returns the annotation as it would be, and writes
/// nothing.
///
/// A change without an effect is accepted and leaves all rows as they are, including the version. A change, and any
/// sent result, deletes the actor's own drafts of the annotation.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: i64,
    change: Change,
    is_trial: bool,
) -> Result<annotation::Model> {
    // A trial writes nothing, and would only hold the locks of a group.
    let change = match is_trial {
        true => change,
        false => match group::update(app, actor, id, change).await {
            Ok(outcome) => return outcome,
            Err(change) => change,
        },
    };
    let command = Command::Update { id, change };
    Ok(run_one(app, actor, command, is_trial).await?.annotation)
}

/// Sets a flag, as [`update`] does. Setting a flag to its present value is no change.
pub async fn set_flag(
    app: &App,
    actor: &Actor,
    id: i64,
    flag: Flag,
    expected_version: Option<i32>,
) -> Result<annotation::Model> {
    let mut change = Change {
        expected_version: expected_version.map_or(Patch::Keep, Patch::Set),
        ..Change::default()
    };
    match flag {
        Flag::WasCancelled(is) => change.was_cancelled = Patch::Set(is),
        Flag::GroundTruth(is) => change.ground_truth = Patch::Set(is),
    }
    update(app, actor, id, change, false).await.map_err(at_id)
}

/// Moves problems to the path of the id, since clients did not send the field in question.
fn at_id(refusal: Error) -> Error {
    let Error::BadInput(mut problems) = refusal else {
        return refusal;
    };
    for problem in &mut problems {
        problem.path = vec!["id".into()];
    }
    Error::BadInput(problems)
}

/// Deletes an annotation with its drafts and reviews. Copies of the annotation lose their parent.
pub async fn delete(
    app: &App,
    actor: &Actor,
    id: i64,
    expected_version: Option<i32>,
) -> Result<Deleted> {
    let command = Command::Delete {
        id,
        expected_version,
        into_draft: false,
    };
    Ok(run_one(app, actor, command, false).await?.into())
}

/// Restores result, flags, lead time and author of an annotation as of a version. A live annotation stays in its
/// task; a deleted annotation returns to its former task.
///
/// A restoration without an effect leaves all rows as they are, including the version.
pub async fn restore(
    app: &App,
    actor: &Actor,
    id: i64,
    version: i32,
    expected_version: Option<i32>,
) -> Result<annotation::Model> {
    let command = Command::Restore {
        id,
        version,
        expected_version,
    };
    Ok(run_one(app, actor, command, false).await?.annotation)
}
