//! Changes of a labelling config: refused when stored results would not fit, unless forced.

use each_database::each_database;
use entity::{annotation, annotation_draft};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use crate::{
    graphql::{create, draft},
    support::{Answer, Client, TestApp},
};

fn config(labels: &[&str]) -> String {
    let labels: String = labels
        .iter()
        .map(|label| format!(r#"<Choice value="{label}"/>"#))
        .collect();
    format!(
        r#"<View><Text name="t" value="$text"/><Choices name="c" toName="t">{labels}</Choices></View>"#
    )
}

fn chosen(label: &str) -> Value {
    json!([{ "from_name": "c", "to_name": "t", "type": "choices", "value": { "choices": [label] } }])
}

async fn update(by: &Client, project: &str, input: Value, force: bool) -> Answer {
    let query = "mutation($id: ID!, $input: UpdateProjectInput!, $force: Boolean!) {
        updateProject(id: $id, input: $input, force: $force) { labelConfig }
    }";
    let variables = json!({ "id": project, "input": input, "force": force });
    by.run_with(query, variables).await
}

async fn set(by: &Client, project: &str, config: &str) -> Answer {
    update(by, project, json!({ "labelConfig": config }), false).await
}

/// A project with a config, and annotations by choices; its id and that of its task.
async fn world(app: &TestApp, labels: &[&str], choices: &[&str]) -> (String, String) {
    let (project, task) = app.project_with_task().await;
    set(&app.admin, &project, &config(labels)).await.ok();
    for choice in choices {
        let input = json!({ "result": chosen(choice) });
        create(&app.admin, &task, input).await.ok();
    }
    (project, task)
}

/// The sentences of a refusal.
#[track_caller]
fn sentences(answer: &Answer) -> Vec<String> {
    let problems = answer.problems();
    assert!(
        problems
            .iter()
            .all(|problem| problem == "input.labelConfig UNFIT_RESULT"),
        "{problems:?}"
    );
    let problems = &answer.error()["extensions"]["problems"];
    let sentence = |problem: &Value| problem["message"].as_str().unwrap().to_owned();
    problems.as_array().unwrap().iter().map(sentence).collect()
}

#[each_database]
async fn a_label_in_use_is_not_taken_away(app: TestApp) {
    let choices = ["a", "b", "a", "a", "a"];
    let (project, task) = world(&app, &["a", "b", "x"], &choices).await;
    let unfinished = draft(&app, &app.admin, &task, None).await;
    let row = annotation_draft::ActiveModel {
        id: Set(unfinished.parse().unwrap()),
        result: Set(chosen("a").to_string()),
        ..Default::default()
    };
    row.update(app.app.db.writer()).await.unwrap();
    let before = app.dump().await;
    let refused = set(&app.admin, &project, &config(&["x"])).await;
    assert_eq!(
        sentences(&refused),
        [
            "the label `a` of `c` is used by 4 annotations (1, 3, 4, …) and 1 draft",
            "the label `b` of `c` is used by 1 annotation (2)",
        ]
    );
    assert_eq!(app.dump().await, before);
    // What nobody uses may go, and more may come.
    set(&app.admin, &project, &config(&["a", "b", "c"]))
        .await
        .ok();
    let refused = set(&app.admin, &project, &config(&["a"])).await;
    assert_eq!(sentences(&refused).len(), 1);
}

#[each_database]
async fn what_is_forced_stays_as_it_is_and_is_not_held_against_the_next(app: TestApp) {
    let (project, _) = world(&app, &["a", "b"], &["a", "b"]).await;
    let input = json!({ "labelConfig": config(&["b"]) });
    update(&app.admin, &project, input, true).await.ok();
    let rows = annotation::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    let versions: Vec<i32> = rows.iter().map(|row| row.version).collect();
    assert_eq!(versions, [1, 1]);
    set(&app.admin, &project, &config(&["b", "c"])).await.ok();
    let refused = set(&app.admin, &project, &config(&["c"])).await;
    assert_eq!(
        sentences(&refused),
        ["the label `b` of `c` is used by 1 annotation (2)"]
    );
}

#[each_database]
async fn controls_objects_and_types_in_use_are_not_taken_away(app: TestApp) {
    let (project, _) = world(&app, &["a"], &["a"]).await;
    for (old, new, sentence) in [
        (
            "name=\"c\"",
            "name=\"d\"",
            "the control `c` is used by 1 annotation (1)",
        ),
        (
            "\"t\"",
            "\"u\"",
            "the object `t` of `c` is used by 1 annotation (1)",
        ),
    ] {
        let other = config(&["a"]).replace(old, new);
        assert_eq!(
            sentences(&set(&app.admin, &project, &other).await),
            [sentence]
        );
    }
    let taxonomy = config(&["a"]).replace("Choices", "Taxonomy");
    let refused = sentences(&set(&app.admin, &project, &taxonomy).await);
    assert_eq!(
        refused[0],
        "the type `choices` of `c` is used by 1 annotation (1)"
    );
    // Without a config, everything fits.
    set(&app.admin, &project, "").await.ok();
    let refused = set(&app.admin, &project, &config(&["b"])).await;
    assert_eq!(sentences(&refused).len(), 1);
}

#[each_database]
async fn the_check_mode_says_how_much_is_looked_at(app: TestApp) {
    let (project, task) = world(&app, &["a"], &["a"]).await;
    let skipped = json!({ "result": [], "wasCancelled": true });
    create(&app.admin, &task, skipped).await.ok();
    create(&app.admin, &task, json!({ "result": [] }))
        .await
        .ok();
    let required = config(&["a"]).replace("toName", "required=\"true\" toName");
    // Nothing is required in STANDARD, and nothing is looked at for another mode alone.
    set(&app.admin, &project, &required).await.ok();
    set(&app.admin, &project, &config(&["a"])).await.ok();
    update(
        &app.admin,
        &project,
        json!({ "checkMode": "STRICT" }),
        false,
    )
    .await
    .ok();
    let refused = set(&app.admin, &project, &required).await;
    assert_eq!(
        sentences(&refused),
        ["what would be required is left out by 1 annotation (3)"]
    );
    let off = json!({ "checkMode": "OFF", "labelConfig": config(&["b"]) });
    update(&app.admin, &project, off, false).await.ok();
}

#[each_database]
async fn many_results_cost_pages_and_few_sentences(app: TestApp) {
    let (project, _) = world(&app, &["a"], &[]).await;
    let labels: Vec<String> = (0..150).map(|number| format!("l{number}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    set(&app.admin, &project, &config(&labels)).await.ok();
    let annotations: Vec<Value> = labels
        .iter()
        .map(|label| json!({ "result": chosen(label) }))
        .collect();
    let query = "mutation($id: ID!, $tasks: [JSONObject!]!) { importTasks(projectId: $id, tasks: $tasks) { taskCount } }";
    let tasks = json!([{ "data": { "text": "x" }, "annotations": annotations }]);
    let variables = json!({ "id": project, "tasks": tasks });
    app.admin.run_with(query, variables).await.ok();
    let refused = set(&app.admin, &project, &config(&["a"])).await;
    let sentences = sentences(&refused);
    assert_eq!(sentences.len(), 101);
    assert_eq!(sentences[100], "and more, 50 times");
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn no_annotation_slips_past_a_config_that_changes(app: TestApp) {
    for _ in 0..6 {
        let (project, task) = world(&app, &["a", "b"], &[]).await;
        let creates = (0..24).map(|number| {
            let (by, task) = (app.admin.clone(), task.clone());
            let choice = if number % 8 == 7 { "a" } else { "b" };
            tokio::spawn(
                async move { create(&by, &task, json!({ "result": chosen(choice) })).await },
            )
        });
        let creates: Vec<_> = creates.collect();
        let (by, other) = (app.admin.clone(), project.clone());
        let changed = tokio::spawn(async move { set(&by, &other, &config(&["b"])).await });
        let mut refused = 0;
        for create in creates {
            let answer = create.await.unwrap();
            refused += usize::from(answer.json.get("errors").is_some());
        }
        let is_changed = changed.await.unwrap().json.get("errors").is_none();
        let rows = annotation::Entity::find()
            .all(app.app.db.writer())
            .await
            .unwrap();
        let rows = rows
            .iter()
            .filter(|row| row.project_id.to_string() == project);
        let with_a = rows.filter(|row| row.result.contains("[\"a\"]")).count();
        // Either all of them were there first, or none came after.
        assert_eq!(with_a + refused, 3);
        assert_eq!(is_changed, with_a == 0);
    }
}
