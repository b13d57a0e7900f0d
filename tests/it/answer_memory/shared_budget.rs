//! Memory budget shared by all requests.

use annograph::endpoint::document::hash::hash;
use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use each_database::each_database;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::result;
use crate::support::{Client, TestApp, send};

const FLAGS: [&str; 4] = ["--memory", "1000000", "--max-answer", "900000"];

fn request(client: &Client, body: &Value) -> Request<Body> {
    Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", client.token))
        .body(body.to_string().into())
        .unwrap()
}

/// A client of a server with little memory, on a database with an annotation that takes most of it.
async fn little(app: &TestApp) -> Client {
    app.project_with_task().await;
    app.annotation(&app.admin, "1", json!({ "result": result(600_000) }))
        .await;
    app.serving(&FLAGS).unwrap()
}

#[each_database]
async fn an_answer_holds_its_memory_until_it_is_sent(app: TestApp) {
    let client = little(&app).await;
    let query = json!({ "query": "{ annotation(id: 1) { result } }" });
    let response = client.router.clone().oneshot(request(&client, &query));
    let unread = response.await.unwrap();
    let refused = send(&client.router, request(&client, &query)).await;
    assert_eq!(refused.code(), "SERVICE_UNAVAILABLE");
    assert_eq!(refused.error()["path"], json!(["annotation"]));
    assert_eq!(refused.json["data"], json!({ "annotation": null }));
    // Small answers find room beside it.
    client.run("{ annotation(id: 1) { version } }").await.ok();
    let text = to_bytes(unread.into_body(), usize::MAX).await.unwrap();
    let answer: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(answer["data"]["annotation"]["result"], result(600_000));
    let again = send(&client.router, request(&client, &query)).await;
    assert_eq!(again.text.as_bytes(), &*text);
}

#[each_database]
async fn a_mutation_whose_answer_finds_no_memory_does_not_claim_to_be_undone(app: TestApp) {
    let client = little(&app).await;
    let query = json!({ "query": "{ annotation(id: 1) { result } }" });
    let unread = client.router.clone().oneshot(request(&client, &query));
    let unread = unread.await.unwrap();
    let query = "mutation {
      createTasks(projectId: 1, tasks: [{ data: {} }]) { id project { annotations { nodes { result } } } }
    }";
    let answer = client.run(query).await;
    let errors = answer.json["errors"].as_array().unwrap();
    let path = json!(["createTasks", 0, "project", "annotations"]);
    assert_eq!(errors[0]["path"], path);
    assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(errors[0]["extensions"]["outcome"], "UNKNOWN");
    let tasks = "{ tasks { totalCount } }";
    assert_eq!(client.run(tasks).await.data()["tasks"]["totalCount"], 2);
    let read = client.run("{ annotation(id: 1) { result } }").await;
    assert_eq!(read.error()["extensions"]["outcome"], "NOT_DONE");
    drop(unread);
}

#[each_database]
async fn an_answer_that_nobody_waits_for_returns_its_memory(app: TestApp) {
    let client = little(&app).await;
    let query = json!({ "query": "{ annotation(id: 1) { result } }" });
    for _ in 0..3 {
        let response = client.router.clone().oneshot(request(&client, &query));
        drop(response.await.unwrap());
    }
    let answer = send(&client.router, request(&client, &query)).await;
    answer.ok();
}

#[each_database]
async fn a_batch_ends_with_its_client(app: TestApp) {
    let client = little(&app).await;
    let title = |title: &str| {
        format!("mutation {{ createProject(input: {{ title: \"{title}\" }}) {{ id }} }}")
    };
    let batch = json!([
        { "query": "{ annotation(id: 1) { result } }" },
        { "query": title("Never") },
    ]);
    let response = client.router.clone().oneshot(request(&client, &batch));
    let mut body = response.await.unwrap().into_body().into_data_stream();
    // The first answer begins to be sent, and the client leaves.
    body.next().await.unwrap().unwrap();
    drop(body);
    client.run(&title("Next")).await.ok();
    let answer = client.run("{ projects { nodes { title } } }").await;
    let projects = json!({ "nodes": [{ "title": "Cars" }, { "title": "Next" }] });
    assert_eq!(answer.data()["projects"], projects);
}

#[each_database]
async fn the_answers_of_a_batch_hold_memory_one_after_the_other(app: TestApp) {
    let client = little(&app).await;
    let one = json!({ "query": "{ annotation(id: 1) { result } }" });
    let batch = Value::from(vec![one; 5]);
    let answer = send(&client.router, request(&client, &batch)).await;
    let answers = answer.json.as_array().unwrap();
    assert_eq!(answers.len(), 5);
    for answer in answers {
        assert_eq!(answer["data"]["annotation"]["result"], result(600_000));
    }
}

#[each_database]
async fn documents_are_remembered_while_there_is_memory(app: TestApp) {
    let query = "{ viewer { username } }";
    let sha = format!("{:x}", hash(query));
    let body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": sha } } });
    for (memory, is_remembered) in [("2000", false), ("100000", true)] {
        let client = app.serving(&["--memory", memory]).unwrap();
        client.run(query).await.ok();
        let answer = send(&client.router, request(&client, &body)).await;
        match is_remembered {
            true => assert_eq!(answer.data()["viewer"]["username"], "admin"),
            false => assert_eq!(answer.code(), "PERSISTED_QUERY_NOT_FOUND"),
        }
    }
}
