//! Many annotations in one request: one transaction, and for every hundred of them a fixed number of statements.

use entity::annotation;

pub use super::outcome::{ErrorPolicy, MAX_ITEMS, Outcomes};
use super::{
    command::{Change, Command, New},
    operations::Deleted,
    outcome::{Done, Mode},
    run::run,
};
use crate::{app::App, domain::access::Actor, error::Result};

/// Creates annotations of tasks, each as a single one would be. Answers with rows without results.
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

/// Changes annotations, each as a single change would be. An annotation can be named once. Answers with rows
/// without results.
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

/// Deletes annotations, each as a single one would be. An annotation can be named once, with the version that it was
/// seen at.
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
