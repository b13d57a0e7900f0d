//! Decisions: whether a command is allowed and right, and the rows that follow from it. Pure: commands, locked rows
//! and facts go in, a plan or a refusal comes out.

mod create;
mod delete;
mod references;
mod restore;
mod update;

use entity::annotation;

use super::{facts::Facts, pending::Pending, plan::Plan};
use crate::{domain::access::Actor, error::Result};

/// Adds a command to the plan, or refuses it. Answers with the annotation as the command leaves it: a new one without
/// an id, a deleted one with the version of its deletion.
pub fn decide(
    actor: &Actor,
    facts: &Facts,
    plan: &mut Plan<'_>,
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
