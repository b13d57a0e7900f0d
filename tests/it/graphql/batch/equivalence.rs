//! A batch does what its commands would do one after the other.

mod scene;
mod steps;

use annograph::{
    app::App,
    domain::annotation::{Command, Done, Mode, batch::ErrorPolicy, run},
    error::{Error, Result},
};
use each_database::each_database;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use self::{
    scene::{ROLES, Scene},
    steps::{Step, steps},
};
use crate::support::TestApp;

/// Lists of commands that are tried, for each role.
const LISTS: usize = 3;

#[each_database]
async fn a_batch_leaves_what_its_commands_would_leave_one_by_one(app: TestApp) {
    let mut runner = TestRunner::deterministic();
    let mut lists = Vec::new();
    for role in ROLES {
        for _ in 0..LISTS {
            lists.push((role, steps().new_tree(&mut runner).unwrap().current()));
        }
    }
    let mut accepted = 0;
    for (index, (role, steps)) in lists.iter().enumerate() {
        let scene = Scene::build(&app, *role, &format!("single-{index}")).await;
        let single = one_by_one(&app.app, &scene, steps).await;
        accepted += single.iter().filter(|outcome| outcome.is_ok()).count();
        let single = scene.state(&app, &single).await;

        let scene = Scene::build(&app, *role, &format!("batch-{index}")).await;
        let batch = at_once(&app.app, &scene, steps).await;
        let batch = scene.state(&app, &batch).await;
        let (single, batch) = (pretty(&single), pretty(&batch));
        assert_eq!(single, batch, "as {role:?}: {steps:#?}");
    }
    let all: usize = lists.iter().map(|(_, steps)| steps.len()).sum();
    assert!(accepted * 3 > all, "only {accepted} of {all} are accepted");
    assert!(accepted < all, "all {all} are accepted");
}

async fn one_by_one(app: &App, scene: &Scene, steps: &[Step]) -> Vec<Result<Done>> {
    let mut outcomes = Vec::new();
    for step in steps {
        let command = scene.command(step, &scene.versions(app).await);
        let single = Mode::Single { is_trial: false };
        outcomes.push(match run(app, &scene.actor, vec![command], single).await {
            Ok(mut outcome) => outcome.pop().unwrap().map(Option::unwrap),
            Err(error) => Err(error),
        });
    }
    outcomes
}

async fn at_once(app: &App, scene: &Scene, steps: &[Step]) -> Vec<Result<Done>> {
    let versions = scene.versions(app).await;
    let commands = steps.iter().map(|step| scene.command(step, &versions));
    let commands: Vec<Command> = commands.collect();
    let batch = Mode::Batch(ErrorPolicy::RejectFailed);
    let outcomes = run(app, &scene.actor, commands, batch).await.unwrap();
    let outcomes = outcomes.into_iter();
    outcomes
        .map(|outcome| outcome.map(Option::unwrap))
        .collect()
}

/// A refusal, without the places that differ between a list and a single command, and without ids.
fn refusal(error: &Error) -> Value {
    match error {
        Error::BadInput(problems) => {
            let problems = problems.iter().map(|problem| {
                let path: Vec<String> = problem
                    .path
                    .iter()
                    .map(|part| format!("{part:?}"))
                    .collect();
                let within = match path.first() {
                    Some(first) if first.contains("items") => path[2..].to_vec(),
                    _ => path,
                };
                json!([within, format!("{:?}", problem.code), problem.message])
            });
            json!(problems.collect::<Vec<_>>())
        }
        Error::Conflict(conflict) => json!([
            conflict.of,
            conflict.current_version,
            conflict.clashing_fields,
            conflict.clashing_regions,
        ]),
        refusal => json!(refusal.to_string()),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}
