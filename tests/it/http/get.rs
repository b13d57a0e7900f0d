//! Queries by GET.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use each_database::each_database;

use super::{assert_refused, bearer};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Client, TestApp, send};

async fn get(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    get_by(&app.admin, parameters).await
}

async fn get_by(client: &Client, parameters: &[(&str, &str)]) -> Answer {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let request = Request::get(format!("/graphql?{query}"))
        .header(header::AUTHORIZATION, bearer(client))
        .header(header::ACCEPT, "application/graphql-response+json")
        .body(Body::empty())
        .unwrap();
    send(&client.router, request).await
}

/// `extensions` that name a document by its hash.
fn persisted(text: &str) -> String {
    let hash = format!("{:x}", Sha256::digest(text));
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } }).to_string()
}

#[each_database]
async fn queries_are_answered(app: TestApp) {
    let answer = get(&app, &[("query", "{ viewer { username } }")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.data()["viewer"]["username"], "admin");
    let whole = [
        (
            "query",
            "query a { viewer { id } } query b($id: ID!) { user(id: $id) { id } }",
        ),
        ("operationName", "b"),
        ("variables", r#"{"id":"1"}"#),
        ("extensions", "{}"),
        ("unknown", "x"),
    ];
    assert_eq!(get(&app, &whole).await.data()["user"]["id"], "1");
}

#[each_database]
async fn mutations_are_refused_and_change_nothing(app: TestApp) {
    let before = app.dump().await;
    let mutation =
        r#"query q { viewer { id } } mutation m { createProject(input: { title: "x" }) { id } }"#;
    let parameters = [("query", mutation), ("operationName", "m")];
    let answer = get(&app, &parameters).await;
    assert_refused(&answer, StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST");
    assert_eq!(answer.headers[header::ALLOW], "POST");
    assert_eq!(app.dump().await, before);
    let parameters = [("query", mutation), ("operationName", "q")];
    get(&app, &parameters).await.ok();
}

#[each_database]
async fn bad_parameters_are_refused(app: TestApp) {
    let query = ("query", "{ viewer { id } }");
    for parameters in [
        vec![],
        vec![("variables", "{}")],
        vec![query, ("variables", "1")],
        vec![query, ("variables", "[]")],
        vec![query, ("variables", "{")],
        vec![query, ("extensions", "nonsense")],
        vec![query, ("extensions", "\"x\"")],
    ] {
        let answer = get(&app, &parameters).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
}

#[each_database]
async fn a_parameter_that_is_there_twice_is_refused(app: TestApp) {
    let query = ("query", "{ viewer { id } }");
    for name in [
        "query",
        "documentId",
        "doc_id",
        "id",
        "operationName",
        "variables",
        "extensions",
    ] {
        for value in ["", "{}"] {
            let answer = get(&app, &[query, (name, value), (name, value)]).await;
            assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
            let message = answer.error()["message"].as_str().unwrap();
            assert!(
                message.contains(&format!("`{name}` is there twice")),
                "{message}"
            );
        }
    }
    let others = [query, ("unknown", "a"), ("unknown", "b")];
    get(&app, &others).await.ok();
}

#[each_database]
async fn parameters_that_are_empty_are_not_filled_in(app: TestApp) {
    let empty = [("operationName", ""), ("variables", ""), ("extensions", "")];
    let parameters = [&[("query", "query a { viewer { id } }")], &empty[..]].concat();
    get(&app, &parameters).await.ok();
}

#[each_database]
async fn a_trusted_document_is_asked_for_by_its_id(app: TestApp) {
    let text = "query($id: ID!) { user(id: $id) { username } }";
    let manifest = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(manifest.path(), json!({ "u": text }).to_string()).unwrap();
    let path = manifest.path().to_str().unwrap();
    let flags = [
        "--trusted-documents",
        path,
        "--trusted-documents-mode",
        "enforce",
    ];
    let client = app.serving(&flags).unwrap();
    let variables = ("variables", r#"{"id":"1"}"#);
    for name in ["documentId", "doc_id", "id"] {
        let answer = get_by(&client, &[(name, "u"), variables]).await;
        assert_eq!(answer.data(), &json!({ "user": { "username": "admin" } }));
    }
    get_by(&client, &[("documentId", "u"), ("id", "u"), variables])
        .await
        .ok();
    let answer = get_by(&client, &[("documentId", "u"), ("id", "v"), variables]).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    let answer = get_by(&client, &[("documentId", "u")]).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    let answer = get_by(&client, &[("documentId", "v"), variables]).await;
    assert_eq!(answer.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[each_database]
async fn a_persisted_query_is_asked_for_by_its_hash(app: TestApp) {
    let text = "query($id: ID!) { user(id: $id) { id } }";
    let hash = persisted(text);
    let by_hash = [
        ("extensions", hash.as_str()),
        ("variables", r#"{"id":"1"}"#),
    ];
    let answer = get(&app, &by_hash).await;
    assert_eq!(answer.code(), "PERSISTED_QUERY_NOT_FOUND");
    let with_text = [&[("query", text)], &by_hash[..]].concat();
    for parameters in [&with_text[..], &by_hash[..]] {
        let answer = get(&app, parameters).await;
        assert_eq!(answer.data(), &json!({ "user": { "id": "1" } }));
    }
    let other = [&[("query", "{ viewer { id } }")], &by_hash[..]].concat();
    let answer = get(&app, &other).await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    for extensions in [
        json!({ "persistedQuery": 1 }),
        json!({ "persistedQuery": { "version": 1 } }),
    ] {
        let answer = get(&app, &[("extensions", &extensions.to_string())]).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
}

#[each_database]
async fn numbers_that_no_number_can_hold_are_found_in_parameters_too(app: TestApp) {
    let query = "query($filter: AnnotationFilter) { annotations(filter: $filter) { totalCount } }";
    let variables = r#"{"filter":{"leadTime":{"gt":1e400}}}"#;
    let answer = get(&app, &[("query", query), ("variables", variables)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.problems(),
        ["filter.leadTime.gt NUMBER_OUT_OF_RANGE"]
    );
}

#[each_database]
async fn a_head_that_is_too_large_is_not_read(app: TestApp) {
    let long = "x".repeat(20_000);
    let answer = get(&app, &[("query", "{ viewer { id } }"), ("unknown", &long)]).await;
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    assert_refused(&answer, status, "LIMIT_EXCEEDED");
    let request = Request::post("/graphql").header("x-long", long);
    let answer = send(&app.router, request.body(Body::empty()).unwrap()).await;
    assert_refused(&answer, status, "LIMIT_EXCEEDED");
}
