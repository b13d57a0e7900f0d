//! `Idempotency-Key`: a repeated request gets the stored response and runs once.

mod access;
mod crash_recovery;

use annograph::domain::idempotency;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{TimeDelta, Utc};
use each_database::each_database;
use entity::{annotation, idempotency_key, project_member::Role, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::json;

use super::{assert_refused, bearer};
use crate::support::{Answer, Client, TestApp, send};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";
const GRAPHQL: &str = "application/graphql-response+json";

/// Sends a body under a key.
async fn post(by: &Client, key: &str, body: &str) -> Answer {
    post_with(by, &[("idempotency-key", key)], body).await
}

async fn post_with(by: &Client, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, bearer(by));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(&by.router, request.body(body.to_owned().into()).unwrap()).await
}

/// The body of a request that annotates a task.
fn creation(task: &str) -> String {
    let query = format!(
        "mutation {{ createAnnotation(taskId: {task}, input: {{ result: [] }}) {{ id createdAt }} }}"
    );
    json!({ "query": query }).to_string()
}

async fn count(app: &TestApp) -> u64 {
    let all = annotation::Entity::find();
    all.count(app.app.db.writer()).await.unwrap()
}

async fn keys(app: &TestApp) -> Vec<idempotency_key::Model> {
    let all = idempotency_key::Entity::find();
    all.all(app.app.db.writer()).await.unwrap()
}

fn is_replayed(answer: &Answer) -> bool {
    answer
        .headers
        .get("idempotency-replayed")
        .map(|is| is == "true")
        == Some(true)
}

#[track_caller]
fn assert_alike(first: &Answer, again: &Answer) {
    let media = |headers: &HeaderMap| headers[header::CONTENT_TYPE].clone();
    assert_eq!(again.text, first.text);
    assert_eq!(again.status, first.status);
    assert_eq!(media(&again.headers), media(&first.headers));
    assert!(!is_replayed(first) && is_replayed(again));
}

#[each_database]
async fn the_first_answer_is_given_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let first = post(&app.admin, KEY, &creation(&task)).await;
    first.data();
    let before = app.dump().await;
    // At another server, and whatever the client accepts by now.
    let beside = app.client_beside().await;
    for by in [&app.admin, &beside] {
        assert_alike(&first, &post(by, KEY, &creation(&task)).await);
    }
    let headers = [("idempotency-key", KEY), ("accept", GRAPHQL)];
    assert_alike(
        &first,
        &post_with(&app.admin, &headers, &creation(&task)).await,
    );
    assert_eq!(app.dump().await, before);
    assert_eq!(count(&app).await, 1);
    let other = post(&app.admin, "other", &creation(&task)).await;
    assert!(!is_replayed(&other.ok()));
    assert_eq!(count(&app).await, 2);
}

#[each_database]
async fn the_media_type_is_that_of_the_first(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let headers = [("idempotency-key", KEY), ("accept", GRAPHQL)];
    let first = post_with(&app.admin, &headers, &creation(&task)).await;
    assert_alike(&first, &post(&app.admin, KEY, &creation(&task)).await);
}

#[each_database]
async fn errors_of_a_mutation_that_ran_are_given_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let change = |version: i32| {
        let input = format!("{{ leadTime: {version}, expectedVersion: {version} }}");
        let query =
            format!("mutation {{ updateAnnotation(id: {id}, input: {input}) {{ version }} }}");
        json!({ "query": query }).to_string()
    };
    let first = post(&app.admin, KEY, &change(2)).await;
    assert_eq!(first.code(), "CONFLICT");
    // By now it would go through.
    app.admin.post(change(1)).await.ok();
    assert_alike(&first, &post(&app.admin, KEY, &change(2)).await);
    post(&app.admin, "another", &change(2)).await.ok();
}

#[each_database]
async fn another_body_is_refused_and_changes_nothing(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let first = post(&app.admin, KEY, &creation(&task)).await.ok();
    let before = app.dump().await;
    let other = format!("{} ", creation(&task));
    let answer = post(&app.admin, KEY, &other).await;
    assert_refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "BAD_USER_INPUT");
    assert_eq!(answer.problems(), ["Idempotency-Key ALREADY_TAKEN"]);
    assert_eq!(app.dump().await, before);
    assert_alike(&first, &post(&app.admin, KEY, &creation(&task)).await);
}

#[each_database]
async fn keys_of_different_users_have_nothing_to_do_with_one_another(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let stranger = app.stranger("mallory").await;
    let first = post(&app.admin, KEY, &creation(&task)).await.ok();
    let second = post(&ann, KEY, &creation(&task)).await.ok();
    assert!(!is_replayed(&second));
    assert_ne!(first.text, second.text);
    assert_eq!(
        post(&stranger, KEY, &creation(&task)).await.code(),
        "NOT_FOUND"
    );
    assert_eq!(count(&app).await, 2);
    assert_alike(&second, &post(&ann, KEY, &creation(&task)).await);
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_runs(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let beside = app.client_beside().await;
    let requests: Vec<_> = (0..32)
        .map(|number| {
            let by = if number % 2 == 0 { &app.admin } else { &beside };
            let (by, body) = (by.clone(), creation(&task));
            tokio::spawn(async move { post(&by, KEY, &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap().ok());
    }
    assert_eq!(
        answers.iter().filter(|answer| !is_replayed(answer)).count(),
        1
    );
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(count(&app).await, 1);
}

#[each_database]
async fn what_does_not_begin_to_run_leaves_the_key_free(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for body in [
        "nonsense",
        r#"{"query":"mutation { nope }"}"#,
        r#"{"query":"mutation {"}"#,
        r#"{"query":"mutation { createAnnotation(taskId: 1, input: { result: [], leadTime: \"x\" }) { id } }"}"#,
    ] {
        let answer = post(&app.admin, KEY, body).await;
        assert_eq!(answer.json.get("data"), None, "{}", answer.text);
    }
    assert_eq!(keys(&app).await, []);
    let answer = post(&app.admin, KEY, &creation(&task)).await.ok();
    assert!(!is_replayed(&answer));
}

#[each_database]
async fn queries_take_no_notice_of_it(app: TestApp) {
    let query = r#"{"query":"{ viewer { id } }"}"#;
    for key in [KEY, KEY, "", "not a key"] {
        let answer = post(&app.admin, key, query).await.ok();
        assert!(!is_replayed(&answer));
    }
    assert_eq!(keys(&app).await, []);
}

#[each_database]
async fn what_is_no_key_is_refused(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let before = app.dump().await;
    let long = "k".repeat(256);
    for key in ["", "a b", "tab\tbed", "é", &long] {
        let answer = post(&app.admin, key, &creation(&task)).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    let answer = post_with(&app.admin, &twice, &creation(&task)).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    let batch = format!("[{}]", creation(&task));
    let answer = post(&app.admin, KEY, &batch).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    let stream = [("idempotency-key", KEY), ("accept", "text/event-stream")];
    let answer = post_with(&app.admin, &stream, &creation(&task)).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    assert_eq!(app.dump().await, before);
    let longest = "k".repeat(255);
    post(&app.admin, &longest, &creation(&task)).await.ok();
}

#[each_database]
async fn an_expired_key_is_a_new_one(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    post(&app.admin, KEY, &creation(&task)).await.ok();
    let row = keys(&app).await.remove(0);
    let mut expired = row.into_active_model();
    expired.expires_at = Set(Utc::now() - TimeDelta::seconds(1));
    expired.update(app.app.db.writer()).await.unwrap();
    // Another body, too.
    let other = format!("{} ", creation(&task));
    let answer = post(&app.admin, KEY, &other).await.ok();
    assert!(!is_replayed(&answer));
    assert_eq!(count(&app).await, 2);
    assert_alike(&answer, &post(&app.admin, KEY, &other).await);
    assert_eq!(keys(&app).await.len(), 1);
}

#[each_database]
async fn expired_keys_are_swept(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for key in ["a", "b"] {
        post(&app.admin, key, &creation(&task)).await.ok();
    }
    let now = Utc::now();
    let kept = now + idempotency::KEPT - TimeDelta::minutes(1);
    assert_eq!(idempotency::sweep(&app.app, kept).await.unwrap(), 0);
    // More than one statement sweeps.
    let row = keys(&app).await.remove(0);
    let many = (0..2_500).map(|number| {
        let mut row = row.clone().into_active_model();
        row.id = sea_orm::ActiveValue::NotSet;
        row.key_hash = Set(format!("{number}"));
        row
    });
    for some in many.collect::<Vec<_>>().chunks(500) {
        let insert = idempotency_key::Entity::insert_many(some.to_vec());
        insert
            .exec_without_returning(app.app.db.writer())
            .await
            .unwrap();
    }
    let then = now + idempotency::KEPT + TimeDelta::minutes(1);
    assert_eq!(idempotency::sweep(&app.app, then).await.unwrap(), 2_502);
    assert_eq!(keys(&app).await, []);
}

#[each_database]
async fn an_answer_too_large_to_keep_is_told_of(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let text = "x".repeat(idempotency::MAX_ANSWER);
    let query = "mutation($task: ID!, $input: CreateAnnotationInput!) {
        createAnnotation(taskId: $task, input: $input) { result }
    }";
    let input = json!({ "result": [{ "text": text }] });
    let variables = json!({ "task": task, "input": input });
    let body = json!({ "query": query, "variables": variables }).to_string();
    post(&app.admin, KEY, &body).await.ok();
    let again = post(&app.admin, KEY, &body).await;
    assert_refused(&again, StatusCode::CONFLICT, "CONFLICT");
    assert_eq!(again.error()["extensions"]["reason"], "ANSWER_NOT_KEPT");
    assert_eq!(count(&app).await, 1);
}

#[each_database]
async fn who_deletes_themselves_is_answered(app: TestApp) {
    let create = r#"mutation { createUser(input: { username: "root", role: ADMIN }) { id } }"#;
    app.admin.run(create).await.ok();
    let query = format!(
        "mutation {{ deleteUser(id: {}) {{ id }} }}",
        app.admin.user_id
    );
    let body = json!({ "query": query }).to_string();
    let answer = post(&app.admin, KEY, &body).await;
    assert_eq!(answer.data()["deleteUser"]["id"], app.admin.user_id);
    let users = user::Entity::find().all(app.app.db.writer()).await.unwrap();
    let names: Vec<&str> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["root"]);
    let key = keys(&app).await.remove(0);
    assert_eq!((key.writes, key.status), (1, Some(200)));
    // They are nobody any more, with the key too.
    assert_eq!(post(&app.admin, KEY, &body).await.code(), "UNAUTHENTICATED");
}
