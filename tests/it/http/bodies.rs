//! Request bodies: envelopes and malformed bodies.

use axum::http::{StatusCode, header};
use each_database::each_database;
use serde_json::json;

use super::{assert_no_internals, assert_refused, bearer, post};
use crate::support::TestApp;

#[each_database]
async fn an_envelope_of_the_wrong_shape_is_refused(app: TestApp) {
    for body in [
        "",
        "null",
        "1",
        "\"{ viewer { id } }\"",
        "{}",
        r#"{"query":null}"#,
        r#"{"query":1}"#,
        r#"{"query":["{ viewer { id } }"]}"#,
        r#"{"query":{}}"#,
        r#"{"Query":"{ viewer { id } }"}"#,
        r#"{"query":"{ viewer { id } }","operationName":1}"#,
        r#"{"query":"{ viewer { id } }","operationName":{}}"#,
        r#"{"query":"{ viewer { id } }","variables":1}"#,
        r#"{"query":"{ viewer { id } }","variables":"{}"}"#,
        r#"{"query":"{ viewer { id } }","variables":[]}"#,
        r#"{"query":"{ viewer { id } }","extensions":[]}"#,
        r#"{"query":"{ viewer { id } }","extensions":"x"}"#,
        r#"{"query":"{ viewer { id } }""#,
        r#"{"query":"{ viewer { id } }"} trailing"#,
        r#"{"query":"{ viewer { id } }",}"#,
        r#"{'query':'{ viewer { id } }'}"#,
        "\u{feff}{\"query\":\"{ viewer { id } }\"}",
        r#"{"query":"{ viewer { id } }","query":"{ viewer { username } }"}"#,
        r#"{"query":"{ viewer { id } }","variables":{},"variables":{"a":1}}"#,
        "query=%7B%20viewer%20%7B%20id%20%7D%20%7D",
        "{ viewer { id } }",
    ] {
        let answer = app.admin.post(body).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
}

#[each_database]
async fn parts_that_are_null_or_unknown_are_as_good_as_absent(app: TestApp) {
    for body in [
        r#"{"query":"{ viewer { id } }","operationName":null,"variables":null,"extensions":null}"#,
        r#"{"query":"{ viewer { id } }","variables":{},"extensions":{"clientLibrary":{"name":"x"}}}"#,
        r#"{"query":"{ viewer { id } }","id":"7","unknown":[1,{"a":null}]}"#,
        "  \r\n{\"query\" : \"{ viewer { id } }\"}\n ",
        "{\"query\":\"\u{feff}{ viewer { id } }\"}",
        r#"{"query":"{ viewer { id } }","variables":{"unused":[1e400,"\ud800"]}}"#,
    ] {
        let answer = app.admin.post(body).await;
        assert_eq!(answer.data()["viewer"]["id"], "1", "{body}");
    }
}

#[each_database]
async fn of_a_repeated_key_in_a_value_the_last_wins_in_the_first_ones_place(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let query = "mutation($task: ID!, $input: CreateAnnotationInput!) { createAnnotation(taskId: $task, input: $input) { result } }";
    let body = format!(
        r#"{{"query":"{query}","variables":{{"task":"0","task":"{task}","input":{{"result":[{{"a":1,"b":2,"a":3}}]}}}}}}"#
    );
    let answer = app.admin.post(body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text.contains(r#"{"result":[{"a":3,"b":2}]}"#),
        "{}",
        answer.text
    );
}

#[each_database]
async fn a_hash_in_the_place_of_the_query_asks_for_the_query(app: TestApp) {
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "e3b0c442" } });
    let authorization = bearer(&app.admin);
    for (accept, status) in [
        ("application/json", StatusCode::OK),
        ("application/graphql-response+json", StatusCode::BAD_REQUEST),
    ] {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::AUTHORIZATION, authorization.as_str()),
            (header::ACCEPT, accept),
        ];
        for body in [
            json!({ "extensions": hash }),
            json!({ "query": null, "variables": { "id": "1" }, "operationName": "a", "extensions": hash }),
        ] {
            let answer = post(&app, &headers, body.to_string()).await;
            assert_refused(&answer, status, "PERSISTED_QUERY_NOT_FOUND");
            assert_eq!(answer.error()["message"], "PersistedQueryNotFound");
        }
        let body = json!({ "query": "{ viewer { id } }", "extensions": hash });
        let answer = post(&app, &headers, body.to_string()).await;
        assert_refused(&answer, status, "BAD_REQUEST");
        assert_eq!(
            answer.error()["message"],
            "provided sha does not match query"
        );
    }
    for body in [
        json!({ "extensions": {} }),
        json!({ "extensions": { "persistedQuery": null } }),
        json!({ "extensions": { "clientLibrary": { "persistedQuery": {} } } }),
    ] {
        let answer = app.admin.post(body.to_string()).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
}

#[each_database]
async fn bytes_that_are_not_utf_8_are_refused(app: TestApp) {
    for bytes in [
        &b"{\"query\":\"{ viewer { id } } # \xff\"}"[..],
        b"{\"query\":\"\xc3\x28\"}",
        b"\xff\xfe{\x00",
        b"\xed\xa0\x80",
    ] {
        let answer = app.admin.post(bytes.to_vec()).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
}

#[each_database]
async fn a_body_larger_than_is_read_is_refused(app: TestApp) {
    let spaces = vec![b' '; (32 << 20) + 1];
    let authorization = bearer(&app.admin);
    let headers = [
        (header::AUTHORIZATION, authorization.as_str()),
        (header::CONTENT_TYPE, "application/json"),
    ];
    let answer = post(&app, &headers, spaces).await;
    assert_refused(&answer, StatusCode::PAYLOAD_TOO_LARGE, "LIMIT_EXCEEDED");
}

#[each_database]
async fn nasty_bodies_are_refused_and_the_server_lives_on(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    for body in nasty() {
        let answer = app.admin.post(body.clone()).await;
        let shown: String = body.chars().take(200).collect();
        assert!(
            answer.status == StatusCode::OK || answer.status == StatusCode::BAD_REQUEST,
            "{} for {shown}",
            answer.status
        );
        let errors = answer.json["errors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("{} for {shown}", answer.text));
        assert!(!errors.is_empty() && errors.len() <= 20, "{shown}");
        for error in errors {
            assert_ne!(
                error["extensions"]["code"], "INTERNAL_SERVER_ERROR",
                "{error} for {shown}"
            );
            assert!(
                error["extensions"]["code"].is_string(),
                "{error} for {shown}"
            );
            let message = error["message"].as_str().unwrap();
            assert!(message.chars().count() <= 320, "{message} for {shown}");
        }
        assert_no_internals(&answer.text);
    }
    assert_eq!(app.dump().await, before);
    assert_eq!(
        app.admin.run("{ viewer { id } }").await.data()["viewer"]["id"],
        "1"
    );
}

/// Requests that are wrong in many ways, none of which may be more than an error.
fn nasty() -> Vec<String> {
    let query = |text: &str| json!({ "query": text }).to_string();
    let update = |variables: &str| {
        let document = "mutation($id: ID!, $input: UpdateAnnotationInput!) { updateAnnotation(id: $id, input: $input) { id } }";
        format!(r#"{{"query":"{document}","variables":{variables}}}"#)
    };
    let mut bodies = vec![
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "\"".repeat(1000),
        "\u{0}".repeat(1000),
        format!(r#"{{"query":"{}"}}"#, "{".repeat(50_000)),
        query(&"{ viewer ".repeat(5_000)),
        query(&format!("{{ {} }}", "a".repeat(1 << 20))),
        query(&format!("{{ viewer {{ {} }} }}", "nonsense ".repeat(2_000))),
        query(&format!(
            "query($x: {}Int{}) {{ viewer {{ id }} }}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        )),
        query("query($x: [[[Int]]]! = 1) { viewer { id } }"),
        query("fragment a on Query { ...b } fragment b on Query { ...a } { ...a }"),
        query("fragment a on Query { ...a } { ...a }"),
        query("{ ...missing }"),
        query("fragment on on Query { viewer { id } } { ...on }"),
        query("subscription { viewer { id } }"),
        query("subscription { x }"),
        query("type Query { x: Int }"),
        query("extend type Query { x: Int } { viewer { id } }"),
        query("# only a comment"),
        query("{ viewer { id } } }"),
        query("{ __type }"),
        query("{ __schema }"),
        query("{ __typename { x } }"),
        query("query @skip(if: true) { viewer { id } }"),
        query("{ viewer @skip { id } }"),
        query("{ viewer @skip(if: null) { id } }"),
        query("{ viewer @unknown { id } }"),
        query("{ viewer @include(if: \"yes\") { id } }"),
        query("{ annotation(id: \"\"\"\n) { id } }"),
        query("{ annotation(id: \"\\uD800\") { id } }"),
        query("{ annotation(id: 99999999999999999999999999) { id } }"),
        query("{ annotation(id: 1.5) { id } }"),
        query("{ annotation(id: [1]) { id } }"),
        query("{ annotations(first: 3000000000) { nodes { id } } }"),
        query("{ annotations(first: 1e3) { nodes { id } } }"),
        query("{ annotations(filter: { leadTime: { gte: 1e999 } }) { nodes { id } } }"),
        query("{ annotations(filter: { createdAt: { gte: \"yesterday\" } }) { nodes { id } } }"),
        query("{ annotations(filter: { uniqueId: { eq: \"x\" } }) { nodes { id } } }"),
        query("{ annotations(filter: { lastAction: { eq: \"UPDATED\" } }) { nodes { id } } }"),
        query("{ annotations(after: \"x\") { nodes { id } } }"),
        query(&format!(
            "{{ annotations(after: \"{}\") {{ nodes {{ id }} }} }}",
            "A".repeat(100_000)
        )),
        query(
            "{ _entities(representations: [1, null, [], {}, {__typename: 1}, {__typename: \"X\", id: 1}]) { __typename } }",
        ),
        query("{ _entities(representations: [{__typename: \"Annotation\"}]) { __typename } }"),
        query(
            "{ _entities(representations: [{__typename: \"Annotation\", id: {a: 1}}]) { __typename } }",
        ),
        query("mutation { updateAnnotation(id: 1, input: { result: [{ a: $b }] }) { id } }"),
        query("mutation { updateAnnotation(id: 1, input: { result: [null] }) { id } }"),
        query("mutation { updateAnnotation(id: 1, input: { result: [{ a: 1e400 }] }) { id } }"),
        query("mutation { updateAnnotation(id: 1, input: { result: [{ a: ENUM }] }) { id } }"),
        query("mutation { updateAnnotation(id: 1, input: { leadTime: -1 }) { id } }"),
    ];
    for input in [
        "null",
        "[]",
        "\"x\"",
        r#"{"result":null}"#,
        r#"{"result":[null]}"#,
        r#"{"result":[[]]}"#,
        r#"{"result":[1]}"#,
        r#"{"result":{"id":1}}"#,
        r#"{"result":[{"x":1e400}]}"#,
        r#"{"result":[{"x":123456789012345678901234567890}]}"#,
        r#"{"result":[{"x":"\ud800"}]}"#,
        r#"{"result":[{"\ud800":1}]}"#,
        r#"{"result":[{"$serde_json::private::RawValue":"oops"}]}"#,
        r#"{"result":[{"$serde_json::private::Number":"1"}]}"#,
        r#"{"result":[{"a":{"$serde_json::private::RawValue":"]]]"}}]}"#,
        r#"{"wasCancelled":"false"}"#,
        r#"{"wasCancelled":null}"#,
        r#"{"groundTruth":1}"#,
        r#"{"leadTime":"1"}"#,
        r#"{"leadTime":-0.5}"#,
        r#"{"leadTime":1e400}"#,
        r#"{"taskId":{}}"#,
        r#"{"taskId":"9"}"#,
        r#"{"taskId":99999999999999999999}"#,
        r#"{"expectedVersion":1.5}"#,
        r#"{"expectedVersion":3000000000}"#,
        r#"{"unknown":1}"#,
        r#"{"$serde_json::private::RawValue":"{}"}"#,
    ] {
        bodies.push(update(&format!(r#"{{"id":"1","input":{input}}}"#)));
    }
    let deep = format!("{}{}", "[".repeat(125), "]".repeat(125));
    bodies.push(update(&format!(
        r#"{{"id":"1","input":{{"result":[{{"a":{deep}}}]}}}}"#
    )));
    bodies.push(update(r#"{"id":null,"input":{}}"#));
    bodies.push(update(r#"{"id":true,"input":{}}"#));
    bodies.push(update("{}"));
    bodies
}
