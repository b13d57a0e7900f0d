//! Checks of results against the labelling config, in every mutation with a result.

use each_database::each_database;
use serde_json::{Value, json};

use super::{create, read, row, update};
use crate::support::{Client, TestApp};

const CONFIG: &str = r#"<View>
  <Text name="text" value="$text"/>
  <Labels name="ner" toName="text"><Label value="Person"/><Label value="Place" alias="place"/></Labels>
  <Choices name="mood" toName="text" choice="single" required="true">
    <Choice value="good"/><Choice value="bad"/>
  </Choices>
</View>"#;

const OTHER_CONFIG: &str = r#"<View>
  <Text name="text" value="$text"/>
  <Number name="count" toName="text" min="0"/>
</View>"#;

/// A project with a config and a mode, with one task; their ids.
async fn project(app: &TestApp, config: &str, mode: &str) -> (String, String) {
    let query = "mutation($input: CreateProjectInput!) { createProject(input: $input) { id } }";
    let input = json!({ "title": "Texts", "labelConfig": config, "checkMode": mode });
    let answer = app.admin.run_with(query, json!({ "input": input })).await;
    let project = answer.data()["createProject"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = "mutation($project: ID!) {
        createTasks(projectId: $project, tasks: [{ data: { text: \"Ann in Rome\" } }]) { id }
    }";
    let answer = app
        .admin
        .run_with(query, json!({ "project": project }))
        .await;
    let task = answer.data()["createTasks"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    (project, task)
}

async fn change_project(by: &Client, id: &str, input: Value) {
    let query = "mutation($id: ID!, $input: UpdateProjectInput!) {
        updateProject(id: $id, input: $input, force: true) { id }
    }";
    by.run_with(query, json!({ "id": id, "input": input }))
        .await
        .ok();
}

fn span(label: &str) -> Value {
    json!({ "id": "s", "from_name": "ner", "to_name": "text", "type": "labels",
        "value": { "start": 0, "end": 3, "text": "Ann", "labels": [label] } })
}

fn mood(choices: &[&str]) -> Value {
    json!({ "from_name": "mood", "to_name": "text", "type": "choices",
        "value": { "choices": choices } })
}

#[each_database]
async fn a_result_that_does_not_fit_is_refused_with_all_its_problems(app: TestApp) {
    let (_, task) = project(&app, CONFIG, "STANDARD").await;
    let wrong = json!([
        span("Thing"),
        { "from_name": "nerr", "to_name": "text", "type": "labels", "value": {} },
        { "from_name": "ner", "to_name": "text", "value": {} },
        mood(&["good"]),
        { "type": "relation", "from_id": "s", "to_id": "none", "direction": "right" },
    ]);
    let before = app.dump().await;
    let answer = create(
        &app.admin,
        &task,
        json!({ "result": wrong, "completedById": 99 }),
    )
    .await;
    let problems = [
        "input.completedById UNKNOWN_ID",
        "input.result.0.value.labels.0 UNKNOWN_LABEL",
        "input.result.1.from_name UNKNOWN_CONTROL",
        "input.result.2.type MISSING_FIELD",
        "input.result.4.to_id UNKNOWN_REGION",
    ];
    assert_eq!(answer.problems(), problems);
    assert_eq!(app.dump().await, before);

    let fitting = json!([span("Person"), mood(&["good"])]);
    create(&app.admin, &task, json!({ "result": fitting }))
        .await
        .ok();
    let before = app.dump().await;
    let answer = update(
        &app.admin,
        "1",
        json!({ "result": wrong, "completedById": 99 }),
    )
    .await;
    assert_eq!(answer.problems(), problems);
    assert_eq!(app.dump().await, before);
    update(&app.admin, "1", json!({ "result": [span("place")] }))
        .await
        .ok();
}

#[each_database]
async fn a_mode_says_how_much_has_to_fit(app: TestApp) {
    let beyond = json!({ "start": 0, "end": 12, "text": "Ann in Rome!", "labels": ["Person"] });
    let beyond = json!({ "id": "s", "from_name": "ner", "to_name": "text", "type": "labels", "value": beyond });
    for (result, standard, strict) in [
        (json!([span("Person"), mood(&["good"])]), true, true),
        (json!([span("Person")]), true, false),
        (json!([mood(&["good", "bad"])]), true, false),
        (json!([beyond, mood(&["good"])]), true, false),
        (json!([span("Thing"), mood(&["good"])]), false, false),
        (json!([{ "anything": "goes" }]), false, false),
    ] {
        for (mode, fits) in [("OFF", true), ("STANDARD", standard), ("STRICT", strict)] {
            let (_, task) = project(&app, CONFIG, mode).await;
            let answer = create(&app.admin, &task, json!({ "result": result })).await;
            let code = answer.json["errors"][0]["extensions"]["code"].as_str();
            let expected = if fits { None } else { Some("BAD_USER_INPUT") };
            assert_eq!(code, expected, "{mode} {result} {}", answer.text);
        }
    }
}

#[each_database]
async fn without_a_config_everything_fits(app: TestApp) {
    for mode in ["OFF", "STANDARD", "STRICT"] {
        let (_, task) = project(&app, "", mode).await;
        let anything = json!({ "result": [{ "anything": "goes" }] });
        create(&app.admin, &task, anything).await.ok();
    }
    let (_, task) = project(&app, "<View/>", "STANDARD").await;
    let answer = create(&app.admin, &task, json!({ "result": [span("Person")] })).await;
    assert_eq!(
        answer.problems(),
        ["input.result.0.from_name UNKNOWN_CONTROL"]
    );
    create(&app.admin, &task, json!({ "result": [] }))
        .await
        .ok();
}

#[each_database]
async fn what_is_stored_stays_until_it_changes(app: TestApp) {
    let (id, task) = project(&app, CONFIG, "OFF").await;
    let unfit = json!([span("Thing")]);
    create(&app.admin, &task, json!({ "result": unfit }))
        .await
        .ok();
    change_project(&app.admin, &id, json!({ "checkMode": "STRICT" })).await;
    for input in [
        json!({ "leadTime": 2 }),
        json!({ "result": unfit, "leadTime": 3 }),
        json!({ "groundTruth": true, "taskId": task }),
    ] {
        update(&app.admin, "1", input).await.ok();
    }
    let before = app.dump().await;
    let answer = update(
        &app.admin,
        "1",
        json!({ "result": [span("Thing"), mood(&["good"])] }),
    )
    .await;
    assert_eq!(
        answer.problems(),
        ["input.result.0.value.labels.0 UNKNOWN_LABEL"]
    );
    assert_eq!(app.dump().await, before);
    // An imported text is kept to the letter, and the same when a client sends it back.
    let spaced = format!(" {} ", serde_json::to_string_pretty(&unfit).unwrap());
    assert_eq!(row(&app, "1").await.lead_time, Some(3.0));
    let text = sea_orm::sea_query::Expr::value(spaced);
    sea_orm::QueryFilter::filter(
        <entity::annotation::Entity as sea_orm::EntityTrait>::update_many()
            .col_expr(entity::annotation::Column::Result, text),
        sea_orm::ColumnTrait::eq(&entity::annotation::Column::Id, 1),
    )
    .exec(app.app.db.writer())
    .await
    .unwrap();
    let version = read(&app.admin, "1").await["version"].clone();
    let answer = update(&app.admin, "1", json!({ "result": unfit })).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], version);
}

#[each_database]
async fn what_moves_has_to_fit_where_it_goes(app: TestApp) {
    let (_, task) = project(&app, CONFIG, "STANDARD").await;
    let (_, strict) = project(&app, CONFIG, "STRICT").await;
    let (_, other) = project(&app, OTHER_CONFIG, "STANDARD").await;
    let (_, unchecked) = project(&app, OTHER_CONFIG, "OFF").await;
    create(&app.admin, &task, json!({ "result": [span("Person")] }))
        .await
        .ok();
    let before = app.dump().await;
    for (target, problem) in [
        (&other, "input.taskId UNFIT_RESULT"),
        (&strict, "input.taskId UNFIT_RESULT"),
        (&"999".to_owned(), "input.taskId UNKNOWN_ID"),
    ] {
        let answer = update(&app.admin, "1", json!({ "taskId": target })).await;
        assert_eq!(answer.problems(), [problem]);
        assert_eq!(app.dump().await, before);
    }
    let counted = json!([{ "from_name": "count", "to_name": "text", "type": "number", "value": { "number": 3 } }]);
    let answer = update(&app.admin, "1", json!({ "result": counted })).await;
    assert_eq!(
        answer.problems(),
        ["input.result.0.from_name UNKNOWN_CONTROL"]
    );
    assert_eq!(app.dump().await, before);
    update(&app.admin, "1", json!({ "taskId": unchecked }))
        .await
        .ok();
    update(
        &app.admin,
        "1",
        json!({ "taskId": other, "result": counted }),
    )
    .await
    .ok();
}

#[each_database]
async fn what_is_skipped_may_lack_what_is_required(app: TestApp) {
    let (_, task) = project(&app, CONFIG, "STRICT").await;
    let answer = create(&app.admin, &task, json!({ "result": [] })).await;
    assert_eq!(answer.problems(), ["input.result REQUIRED"]);
    create(
        &app.admin,
        &task,
        json!({ "result": [], "wasCancelled": true }),
    )
    .await
    .ok();
    let before = app.dump().await;
    let answer = update(&app.admin, "1", json!({ "wasCancelled": false })).await;
    assert_eq!(answer.problems(), ["input.wasCancelled UNFIT_RESULT"]);
    assert_eq!(app.dump().await, before);
    let note = json!({ "regions": { "upsert": [span("Person")] }, "wasCancelled": false });
    let answer = update(&app.admin, "1", note).await;
    assert_eq!(answer.problems(), ["input.regions REQUIRED"]);
    assert_eq!(app.dump().await, before);
    let whole = json!({ "wasCancelled": false, "result": [mood(&["bad"])] });
    update(&app.admin, "1", whole).await.ok();
}

#[each_database]
async fn a_changed_config_counts_at_once_and_everywhere(app: TestApp) {
    let (id, task) = project(&app, CONFIG, "STANDARD").await;
    // Another process has its own memory of the config.
    let beside = app.client_beside().await;
    for client in [&app.admin, &beside] {
        create(client, &task, json!({ "result": [span("Person")] }))
            .await
            .ok();
    }
    for (config, problems) in [
        (
            OTHER_CONFIG,
            vec!["input.result.0.from_name UNKNOWN_CONTROL"],
        ),
        (CONFIG, vec![]),
    ] {
        change_project(&app.admin, &id, json!({ "labelConfig": config })).await;
        for client in [&app.admin, &beside] {
            let answer = create(client, &task, json!({ "result": [span("Person")] })).await;
            if problems.is_empty() {
                answer.ok();
            } else {
                assert_eq!(answer.problems(), problems);
            }
        }
    }
}
