//! Automatic persisted queries: a hash in place of a text sent before.

use each_database::each_database;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Client, TestApp};

pub fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn by_hash(hash: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
}

#[track_caller]
fn refusal(answer: &crate::support::Answer) -> (&str, &str) {
    assert_eq!(answer.json.get("data"), None);
    let message = answer.error()["message"].as_str().unwrap();
    (answer.code(), message)
}

async fn not_found(client: &Client, hash: &str) {
    let answer = client.post(by_hash(hash).to_string()).await;
    let expected = ("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound");
    assert_eq!(refusal(&answer), expected);
}

#[each_database]
async fn a_text_that_was_sent_once_is_known_by_its_hash(app: TestApp) {
    let query = "query($s: Boolean!) { viewer { id @skip(if: $s) username } }";
    let hash = sha256(query);
    not_found(&app.admin, &hash).await;
    let mut body = by_hash(&hash);
    body["query"] = json!(query);
    body["variables"] = json!({ "s": false });
    let answer = app.admin.post(body.to_string()).await;
    assert_eq!(
        answer.data(),
        &json!({ "viewer": { "id": "1", "username": "admin" } })
    );
    body.as_object_mut().unwrap().remove("query");
    body["variables"] = json!({ "s": true });
    for hash in [hash.clone(), hash.to_uppercase()] {
        body["extensions"]["persistedQuery"]["sha256Hash"] = json!(hash);
        let answer = app.admin.post(body.to_string()).await;
        assert_eq!(answer.data(), &json!({ "viewer": { "username": "admin" } }));
    }
    // Values are checked with every request.
    body["variables"] = json!({});
    assert_eq!(
        app.admin.post(body.to_string()).await.code(),
        "BAD_USER_INPUT"
    );
}

#[each_database]
async fn only_valid_texts_are_remembered(app: TestApp) {
    for query in [
        "{ nonsense }",
        "{",
        "{ tasks(first: \"1\") { totalCount } }",
    ] {
        let hash = sha256(query);
        let mut body = by_hash(&hash);
        body["query"] = json!(query);
        let answer = app.admin.post(body.to_string()).await;
        assert_eq!(answer.json.get("data"), None);
        not_found(&app.admin, &hash).await;
    }
    let client = app.serving(&["--document-cache", "0"]).unwrap();
    client.run("{ __typename }").await.ok();
    not_found(&client, &sha256("{ __typename }")).await;
    not_found(&app.admin, "").await;
    not_found(&app.admin, "é").await;
}

#[each_database]
async fn a_hash_is_that_of_its_text_and_of_version_1(app: TestApp) {
    for (version, hash, message) in [
        (
            json!(1),
            sha256("{ viewer { id } }"),
            "provided sha does not match query",
        ),
        (
            json!(1),
            "short".to_owned(),
            "provided sha does not match query",
        ),
        (
            json!(2),
            sha256("{ __typename }"),
            "Unsupported persisted query version",
        ),
        (
            json!(null),
            sha256("{ __typename }"),
            "Unsupported persisted query version",
        ),
    ] {
        let query = json!({ "version": version, "sha256Hash": hash });
        let body = json!({ "query": "{ __typename }", "extensions": { "persistedQuery": query } });
        let answer = app.admin.post(body.to_string()).await;
        assert_eq!(refusal(&answer), ("BAD_REQUEST", message));
    }
    for broken in [
        json!({}),
        json!({ "version": 1 }),
        json!(1),
        json!({ "version": "1", "sha256Hash": "" }),
    ] {
        let body = json!({ "query": "{ __typename }", "extensions": { "persistedQuery": broken } });
        let answer = app.admin.post(body.to_string()).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{broken}");
    }
}

#[each_database]
async fn the_hash_is_of_the_text_with_its_descriptions(app: TestApp) {
    let query = "\"who I am\" query { viewer { id } }";
    app.admin.run(query).await.ok();
    let answer = app.admin.post(by_hash(&sha256(query)).to_string()).await;
    assert_eq!(answer.data(), &json!({ "viewer": { "id": "1" } }));
    not_found(&app.admin, &sha256("           query { viewer { id } }")).await;
}
