//! Skipping and ground truth by name: changes of one flag.

use entity::annotation;

use super::{Change, update};
use crate::{
    app::App,
    domain::{Patch, access::Actor},
    error::{Error, Result},
};

/// What can be said of an annotation besides its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    WasCancelled(bool),
    GroundTruth(bool),
}

/// Sets a flag, as [`update`] does; what is so already is no change.
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

/// Nobody sent the field: what is wrong with it is wrong with the annotation.
fn at_id(refusal: Error) -> Error {
    let Error::BadInput(mut problems) = refusal else {
        return refusal;
    };
    for problem in &mut problems {
        problem.path = vec!["id".into()];
    }
    Error::BadInput(problems)
}
