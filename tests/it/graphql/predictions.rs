//! Predictions made, changed and deleted by managers.

use each_database::each_database;
use entity::prediction;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::read;
use crate::support::{Answer, Client, TestApp};

const PREDICTION: &str = "id task { id totalPredictions } project { id } result score modelVersion";

async fn create(by: &Client, task: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($task: ID!, $input: CreatePredictionInput!) {{
           createPrediction(taskId: $task, input: $input) {{ {PREDICTION} }}
         }}"
    );
    by.run_with(&query, json!({ "task": task, "input": input }))
        .await
}

async fn update(by: &Client, id: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($id: ID!, $input: UpdatePredictionInput!) {{
           updatePrediction(id: $id, input: $input) {{ {PREDICTION} }}
         }}"
    );
    by.run_with(&query, json!({ "id": id, "input": input }))
        .await
}

async fn delete(by: &Client, id: &str) -> Answer {
    let query =
        "mutation($id: ID!) { deletePrediction(id: $id) { id task { id totalPredictions } } }";
    by.run_with(query, json!({ "id": id })).await
}

async fn with_config(app: &TestApp, mode: &str) -> (String, String) {
    let (project, task) = app.project_with_task().await;
    let config = r#"<View><Text name="t" value="$text"/><Choices name="c" toName="t" required="true"><Choice value="a"/></Choices></View>"#;
    let query = "mutation($id: ID!, $input: UpdateProjectInput!) { updateProject(id: $id, input: $input) { id } }";
    let input = json!({ "labelConfig": config, "checkMode": mode });
    let variables = json!({ "id": project, "input": input });
    app.admin.run_with(query, variables).await.ok();
    (project, task)
}

fn choice(value: &str) -> Value {
    json!([{ "from_name": "c", "to_name": "t", "type": "choices", "value": { "choices": [value] } }])
}

#[each_database]
async fn its_task_counts_it(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let result = json!([{ "id": "r", "value": { "x": 1.0 } }]);
    let input = json!({ "result": result, "score": 0.5, "modelVersion": "m1" });
    let answer = create(&app.admin, &task, input).await;
    assert_eq!(
        answer.data()["createPrediction"],
        json!({
            "id": "1", "task": { "id": task, "totalPredictions": 1 }, "project": { "id": project },
            "result": result, "score": 0.5, "modelVersion": "m1",
        })
    );
    let bare = create(&app.admin, &task, json!({ "result": [] })).await;
    let bare = &bare.data()["createPrediction"];
    assert_eq!(bare["task"]["totalPredictions"], 2);
    assert_eq!(
        (&bare["score"], &bare["modelVersion"]),
        (&Value::Null, &Value::Null)
    );
    let child = app
        .annotation(&app.admin, &task, json!({ "parentPredictionId": "1" }))
        .await;
    let answer = delete(&app.admin, "1").await;
    assert_eq!(
        answer.data()["deletePrediction"],
        json!({ "id": "1", "task": { "id": task, "totalPredictions": 1 } })
    );
    let child = read(&app.admin, &child).await;
    assert_eq!(
        (&child["parentPrediction"], &child["version"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(delete(&app.admin, "1").await.code(), "NOT_FOUND");
}

#[each_database]
async fn it_changes_only_where_it_was_told_to(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    create(
        &app.admin,
        &task,
        json!({ "result": [], "score": 1, "modelVersion": "m" }),
    )
    .await
    .ok();
    let mut expected = json!({ "result": [], "score": 1.0, "modelVersion": "m" });
    for (field, value) in [
        ("result", json!([{ "id": "a" }])),
        ("score", json!(null)),
        ("score", json!(0.25)),
        ("modelVersion", json!(null)),
        ("modelVersion", json!("n")),
    ] {
        expected[field] = value.clone();
        let answer = update(&app.admin, "1", json!({ field: value })).await;
        let after = &answer.data()["updatePrediction"];
        for field in ["result", "score", "modelVersion"] {
            assert_eq!(after[field], expected[field], "{field}");
        }
    }
    let before = app.dump().await;
    update(&app.admin, "1", expected).await.ok();
    update(&app.admin, "1", json!({})).await.ok();
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn it_has_to_fit_the_config_but_to_answer_nothing(app: TestApp) {
    for mode in ["STANDARD", "STRICT"] {
        let (_, task) = with_config(&app, mode).await;
        let id = create(&app.admin, &task, json!({ "result": [] })).await;
        let id = id.data()["createPrediction"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        update(&app.admin, &id, json!({ "result": choice("a") }))
            .await
            .ok();
        let before = app.dump().await;
        let bad = json!({ "result": choice("z") });
        let problem = ["input.result.0.value.choices.0 UNKNOWN_LABEL"];
        assert_eq!(
            create(&app.admin, &task, bad.clone()).await.problems(),
            problem
        );
        assert_eq!(update(&app.admin, &id, bad).await.problems(), problem);
        assert_eq!(app.dump().await, before);
    }
    let all = prediction::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
}

#[each_database]
async fn all_that_is_wrong_is_told(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    create(&app.admin, &task, json!({ "result": [] }))
        .await
        .ok();
    let before = app.dump().await;
    for (input, problems) in [
        (
            json!({ "result": [{ "id": 1 }], "modelVersion": "\u{0}" }),
            vec![
                "input.result.0.id WRONG_TYPE",
                "input.modelVersion INVALID_TEXT",
            ],
        ),
        (
            json!({ "result": [], "modelVersion": "é".repeat(1001) }),
            vec!["input.modelVersion TOO_LONG"],
        ),
    ] {
        assert_eq!(
            create(&app.admin, &task, input.clone()).await.problems(),
            problems
        );
        assert_eq!(update(&app.admin, "1", input).await.problems(), problems);
    }
    let cleared = update(&app.admin, "1", json!({ "result": null })).await;
    assert_eq!(cleared.problems(), ["input.result NULL_NOT_ALLOWED"]);
    for nowhere in ["99", "abc"] {
        assert_eq!(
            create(&app.admin, nowhere, json!({ "result": [] }))
                .await
                .code(),
            "NOT_FOUND"
        );
        assert_eq!(
            update(&app.admin, nowhere, json!({})).await.code(),
            "NOT_FOUND"
        );
    }
    assert_eq!(app.dump().await, before);
}
