//! Responses as server-sent events over HTTP.

use axum::http::{StatusCode, header};
use each_database::each_database;
use serde_json::json;
use tower::ServiceExt;

use super::{assert_refused, for_stream};
use crate::support::{Answer, TestApp, send};

async fn stream(app: &TestApp, query: &str) -> Answer {
    let request = for_stream(
        app,
        "text/event-stream",
        json!({ "query": query }).to_string(),
    );
    send(&app.router, request).await
}

#[each_database]
async fn a_query_is_one_event_and_the_end(app: TestApp) {
    let answer = stream(&app, "{ viewer { username } }").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
    assert_eq!(
        answer.text,
        "event: next\ndata: {\"data\":{\"viewer\":{\"username\":\"admin\"}}}\n\nevent: complete\ndata:\n\n"
    );
}

#[each_database]
async fn a_subscription_is_a_stream_for_whoever_takes_one(app: TestApp) {
    for (accept, status) in [
        (
            "application/graphql-response+json, application/json, text/event-stream",
            StatusCode::OK,
        ),
        ("application/json, text/event-stream;q=0.1", StatusCode::OK),
        ("application/json", StatusCode::BAD_REQUEST),
        ("*/*", StatusCode::BAD_REQUEST),
    ] {
        let query = "subscription { annotationEvents { version } }";
        let request = for_stream(&app, accept, json!({ "query": query }).to_string());
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{accept}");
    }
}

#[each_database]
async fn a_mutation_is_run_once(app: TestApp) {
    let answer = stream(
        &app,
        r#"mutation { createProject(input: { title: "x" }) { id } }"#,
    )
    .await;
    assert!(
        answer
            .text
            .starts_with("event: next\ndata: {\"data\":{\"createProject\":{\"id\":\"1\"}}}")
    );
    let answer = app.admin.run("{ projects { totalCount } }").await;
    assert_eq!(answer.data()["projects"]["totalCount"], 1);
}

#[each_database]
async fn what_validation_finds_is_an_event_and_the_end(app: TestApp) {
    let answer = stream(&app, "{ nope }").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text.starts_with("event: next\ndata: {\"errors\":["),
        "{}",
        answer.text
    );
    assert!(
        answer.text.ends_with("\n\nevent: complete\ndata:\n\n"),
        "{}",
        answer.text
    );
}

#[each_database]
async fn what_is_no_request_is_refused_as_json(app: TestApp) {
    let request = for_stream(&app, "text/event-stream", "{}");
    let answer = send(&app.router, request).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "application/graphql-response+json; charset=utf-8"
    );
    let batch = for_stream(
        &app,
        "text/event-stream",
        r#"[{"query":"{ viewer { id } }"}]"#,
    );
    let answer = send(&app.router, batch).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
}
