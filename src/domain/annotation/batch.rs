//! Batches: many annotations in a request, in a single transaction, with a fixed number of statements per hundred
//! annotations (`docs/decisions/0017-many-at-once.md`).

use entity::annotation;

pub use super::outcome::{ErrorPolicy, MAX_ITEMS, Outcomes};
use super::{
    command::{Change, Command, New},
    operations::Deleted,
    outcome::{Done, Mode},
    run::run,
};
use crate::{app::App, domain::access::Actor, error::Result};

/// Creates annotations of tasks, each as by a single creation. Returns rows without results.
pub async fn create(
    app: &App,
    actor: &Actor,
    items: Vec<(i64, New)>,
    policy: ErrorPolicy,
) -> Result<Outcomes<annotation::Model>> {
    let items = items.into_iter();
    let commands = items.map(|(task_id, new)| Command::Create { task_id, new });
    let outcomes = run(app, actor, commands.collect(), Mode::Batch(policy)).await?;
    Ok(answered(outcomes, |done| done.annotation))
}

/// Changes annotations, each as by a single change. An annotation can be named once. Returns rows without results.
pub async fn update(
    app: &App,
    actor: &Actor,
    items: Vec<(i64, Change)>,
    policy: ErrorPolicy,
) -> Result<Outcomes<annotation::Model>> {
    let items = items.into_iter();
    let commands = items.map(|(id, change)| Command::Update { id, change });
    let outcomes = run(app, actor, commands.collect(), Mode::Batch(policy)).await?;
    Ok(answered(outcomes, |done| done.annotation))
}

/// Deletes annotations, each as by a single deletion. An annotation can be named once, with its expected version.
pub async fn delete(
    app: &App,
    actor: &Actor,
    items: Vec<(i64, Option<i32>)>,
    policy: ErrorPolicy,
) -> Result<Outcomes<Deleted>> {
    let commands = items
        .into_iter()
        .map(|(id, expected_version)| Command::Delete {
            id,
            expected_version,
            into_draft: false,
        });
    let outcomes = run(app, actor, commands.collect(), Mode::Batch(policy)).await?;
    Ok(answered(outcomes, Deleted::from))
}

fn answered<T>(outcomes: Outcomes<Done>, answer: impl Fn(Done) -> T) -> Outcomes<T> {
    let outcomes = outcomes.into_iter();
    let outcomes = outcomes.map(|outcome| outcome.map(|done| done.map(&answer)));
    outcomes.collect()
}
