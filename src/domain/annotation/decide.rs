//! Decisions: whether a command is allowed and valid, and the rows that follow. Pure functions from commands, locked
//! rows and facts to a plan or a refusal.

mod create;
mod delete;
mod references;
mod restore;
mod update;

use entity::annotation;

use super::{facts::Facts, pending::Pending, plan::Plan};
use crate::{domain::access::Actor, error::Result};

/// Adds a command to the plan, or refuses the command. Returns the annotation as the command leaves it: a new
/// annotation without an id, a deleted annotation with the version of its deletion. Rows that the plan writes come
/// without their results, which the plan keeps.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan,
    pending: Pending,
) -> Result<annotation::Model> {
    match pending {
        Pending::Create(pending) => create::decide(actor, facts, plan, pending),
        Pending::Update(pending) => update::decide(actor, facts, plan, *pending),
        Pending::Delete(pending) => delete::decide(actor, facts, plan, *pending),
        Pending::Revert(pending) => restore::revert(actor, facts, plan, *pending),
        Pending::Undelete(pending) => restore::undelete(actor, facts, plan, pending),
    }
}
