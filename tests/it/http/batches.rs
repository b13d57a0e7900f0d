//! Batched requests: several in one body.

use axum::http::StatusCode;
use each_database::each_database;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::assert_refused;
use crate::support::{Client, TestApp};

#[each_database]
async fn each_request_has_its_own_answer_in_its_place(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let create = "mutation($task: ID!) { createAnnotation(taskId: $task, input: { result: [] }) { version } }";
    let body = json!([
        { "query": "{ viewer { username } }" },
        { "query": "{ nope }" },
        { "query": create, "variables": { "task": task } },
        { "query": "{ annotation(id: 1) { version } }" },
    ]);
    let answer = app.admin.post(body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answers = answer.json.as_array().unwrap();
    assert_eq!(
        answers[0],
        json!({ "data": { "viewer": { "username": "admin" } } })
    );
    assert_eq!(
        answers[1]["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    assert_eq!(answers[1].get("data"), None);
    // They run one after the other, so the last sees what the one before did.
    assert_eq!(answers[2]["data"]["createAnnotation"]["version"], 1);
    assert_eq!(answers[3]["data"]["annotation"]["version"], 1);
    assert_eq!(answers.len(), 4);
}

#[each_database]
async fn batches_are_bounded_and_a_refused_one_does_nothing(app: TestApp) {
    let before = app.dump().await;
    let one = json!({ "query": r#"mutation { createProject(input: { title: "x" }) { id } }"# });
    let bodies = [
        json!([]),
        Value::from(vec![one.clone(); 11]),
        Value::from(vec![one.clone(); 10_000]),
        json!([one, 1]),
        json!([one, null]),
        json!([one, [one]]),
        json!([one, {}]),
    ];
    for body in bodies {
        let answer = app.admin.post(body.to_string()).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
    assert_eq!(app.dump().await, before);
    let settled = Client {
        router: app.router_with(&["--max-batch", "1"]),
        ..app.admin.clone()
    };
    let two = Value::from(vec![one.clone(); 2]).to_string();
    assert_refused(
        &settled.post(two).await,
        StatusCode::BAD_REQUEST,
        "BAD_REQUEST",
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn time_that_is_over_for_one_leaves_the_answers_of_the_others(app: TestApp) {
    app.project_with_task().await;
    let held = app.app.db.begin().await.unwrap();
    let update = "UPDATE project SET title = title WHERE id = 1";
    held.execute_unprepared(update).await.unwrap();
    let client = Client {
        router: app.router_with(&["--timeout", "1"]),
        ..app.admin.clone()
    };
    let viewer = json!({ "query": "{ viewer { id } }" });
    let rename = r#"mutation { updateProject(id: 1, input: { title: "y" }) { id } }"#;
    let body = json!([viewer, { "query": rename }, viewer]);
    let answer = client.post(body.to_string()).await;
    held.rollback().await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let code = |index: usize| &answer.json[index]["errors"][0]["extensions"]["code"];
    assert_eq!(answer.json[0]["data"]["viewer"]["id"], "1");
    assert_eq!(code(1), "SERVICE_UNAVAILABLE");
    assert_eq!(code(2), "SERVICE_UNAVAILABLE");
    for index in [1, 2] {
        let extensions = &answer.json[index]["errors"][0]["extensions"];
        assert_eq!(extensions["outcome"], "NOT_DONE");
    }
    assert_eq!(answer.json[1].get("data"), None);
}
