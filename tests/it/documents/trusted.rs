//! Trusted documents: a manifest of the allowed operations.

use each_database::each_database;
use serde_json::{Value, json};

use super::persisted::sha256;
use crate::support::{Answer, Client, TestApp};

const VIEWER: &str = "query Viewer { viewer { id } }";
const TASKS: &str = "query Tasks($first: Int) { tasks(first: $first) { totalCount } }";

/// A server with a manifest.
fn serving(app: &TestApp, manifest: &Value, mode: &str) -> Result<Client, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), manifest.to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    app.serving(&[
        "--trusted-documents",
        path,
        "--trusted-documents-mode",
        mode,
    ])
}

/// The three formats, each with the same documents; the id of the first.
fn manifests() -> [(Value, String); 3] {
    let apollo = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        { "id": sha256(VIEWER), "name": "Viewer", "type": "query", "body": VIEWER },
        { "id": sha256(TASKS), "name": "Tasks", "type": "query", "body": TASKS },
    ] });
    let relay = json!({ "0123456789abcdef0123456789abcdef": VIEWER, "t": TASKS });
    let codegen = json!({ sha256(VIEWER): VIEWER, sha256(TASKS): TASKS });
    [
        (apollo, sha256(VIEWER)),
        (relay, "0123456789abcdef0123456789abcdef".to_owned()),
        (codegen, sha256(VIEWER)),
    ]
}

async fn post(client: &Client, body: Value) -> Answer {
    client.post(body.to_string()).await
}

#[each_database]
async fn a_trusted_document_is_sent_by_any_of_its_names(app: TestApp) {
    for (manifest, id) in manifests() {
        for mode in ["off", "log", "enforce"] {
            let client = serving(&app, &manifest, mode).unwrap();
            let hash = sha256(VIEWER);
            for body in [
                json!({ "documentId": id }),
                json!({ "documentId": format!("sha256:{hash}") }),
                json!({ "documentId": hash }),
                json!({ "doc_id": id }),
                json!({ "id": id, "operationName": "Viewer" }),
                json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } }),
                json!({ "query": VIEWER }),
                json!({ "query": VIEWER, "documentId": id }),
            ] {
                let answer = post(&client, body.clone()).await;
                assert_eq!(answer.data(), &json!({ "viewer": { "id": "1" } }), "{body}");
            }
            let body = json!({ "documentId": sha256(TASKS), "variables": { "first": "x" } });
            assert_eq!(post(&client, body).await.problems(), ["first WRONG_TYPE"]);
        }
    }
}

#[each_database]
async fn enforced_documents_are_the_only_ones_that_run(app: TestApp) {
    let (manifest, id) = &manifests()[1];
    let client = serving(&app, manifest, "enforce").unwrap();
    let before = app.dump().await;
    let other = r#"mutation { createProject(input: { title: "x" }) { id } }"#;
    for query in [
        other,
        "{ viewer { id } }",
        "query Viewer { viewer { id } } ",
        "{",
        "{ __typename }",
    ] {
        let answer = client.run(query).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{query}");
        assert_eq!(answer.json.get("data"), None);
    }
    for body in [
        json!({ "documentId": "unknown" }),
        json!({ "documentId": "sha256:unknown" }),
        json!({ "documentId": "unknown", "query": other }),
        json!({ "query": other, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": sha256(other) } } }),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": sha256(other) } } }),
    ] {
        assert_eq!(
            post(&client, body.clone()).await.code(),
            "PERSISTED_QUERY_NOT_FOUND",
            "{body}"
        );
    }
    for query in [other, TASKS] {
        let answer = post(&client, json!({ "documentId": id, "query": query })).await;
        assert_eq!(answer.code(), "BAD_REQUEST");
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn other_documents_run_unless_enforced(app: TestApp) {
    let (manifest, _) = &manifests()[0];
    for mode in ["off", "log"] {
        let client = serving(&app, manifest, mode).unwrap();
        for _ in 0..2 {
            let answer = client.run("query Other { viewer { username } }").await;
            assert_eq!(answer.data(), &json!({ "viewer": { "username": "admin" } }));
        }
        let unknown = post(&client, json!({ "documentId": "unknown" })).await;
        assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
        let by_hash = json!({ "extensions": { "persistedQuery": {
                "version": 1, "sha256Hash": sha256("query Other { viewer { username } }") } } });
        post(&client, by_hash).await.ok();
    }
    let unknown = post(&app.admin, json!({ "documentId": "unknown" })).await;
    assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[each_database]
async fn a_manifest_that_is_not_right_stops_the_start(app: TestApp) {
    let broken = json!({ "one": "{ nonsense }", "two": VIEWER, "three": "{", "four": "{ tasks(first: \"1\") { totalCount } }" });
    let message = serving(&app, &broken, "off").err().unwrap();
    for (id, is_told) in [
        ("one", true),
        ("two", false),
        ("three", true),
        ("four", true),
    ] {
        assert_eq!(
            message.contains(&format!("\n  {id}: ")),
            is_told,
            "{message}"
        );
    }
    for (manifest, part) in [
        (json!([]), "JSON object"),
        (json!({ "a": 1 }), "`a` is not a string"),
        (
            json!({ "format": "apollo-persisted-query-manifest", "version": 2, "operations": [] }),
            "version 1",
        ),
        (
            json!({ "format": "other", "version": 1, "operations": [] }),
            "version 1",
        ),
        (
            json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
                { "id": "a", "body": VIEWER }, { "id": "a", "body": TASKS }] }),
            "a: two documents",
        ),
    ] {
        let message = serving(&app, &manifest, "log").err().unwrap();
        assert!(message.contains(part), "{message}");
    }
    let message = app
        .serving(&["--trusted-documents", "/no/such/file"])
        .err()
        .unwrap();
    assert!(message.contains("/no/such/file"), "{message}");
    let message = app
        .serving(&["--trusted-documents-mode", "log"])
        .err()
        .unwrap();
    assert!(message.contains("--trusted-documents"), "{message}");
}

#[each_database]
async fn a_request_has_one_id_of_a_document(app: TestApp) {
    let (manifest, id) = &manifests()[2];
    let client = serving(&app, manifest, "enforce").unwrap();
    post(&client, json!({ "documentId": id, "id": id }))
        .await
        .ok();
    let answer = post(&client, json!({ "documentId": id, "id": "x" })).await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    let twice = format!(r#"{{ "documentId": "{id}", "documentId": "{id}" }}"#);
    assert_eq!(client.post(twice).await.code(), "BAD_REQUEST");
    assert_eq!(
        post(&client, json!({ "documentId": 1 })).await.code(),
        "BAD_REQUEST"
    );
}
