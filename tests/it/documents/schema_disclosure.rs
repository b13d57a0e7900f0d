//! Names of the schema in error messages: suggestions when the schema is disclosed, none otherwise.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use each_database::each_database;
use serde_json::json;

use crate::support::{TestApp, send};

#[each_database]
async fn misspelled_names_come_with_those_they_could_be(app: TestApp) {
    for (document, hint) in [
        ("{ viewr { id } }", "Did you mean \"viewer\" or \"user\"?"),
        ("{ viewer { usrname } }", "Did you mean \"username\"?"),
        (
            "{ tasks(frist: 1) { totalCount } }",
            "Did you mean \"first\" or \"last\"?",
        ),
        ("{ viewer @skp(if: true) { id } }", "Did you mean \"skip\"?"),
        ("{ viewer @skip(fi: true) { id } }", "Did you mean \"if\"?"),
        ("{ viewer { ... on Usr { id } } }", "Did you mean \"User\"?"),
        (
            "{ ...f } fragment f on Quer { viewer { id } }",
            "Did you mean \"Query\" or \"User\"?",
        ),
        (
            "query($f: TaskFiler) { tasks(filter: $f) { totalCount } }",
            "Did you mean \"TaskFilter\"",
        ),
        ("{ viewer { nothingAtAll } }", ""),
    ] {
        let answer = app.admin.run(document).await;
        let messages: Vec<&str> = answer.json["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["message"].as_str().unwrap())
            .collect();
        assert!(
            messages.iter().any(|message| message.contains(hint)),
            "{document}: {messages:?}"
        );
        if hint.is_empty() {
            assert!(!answer.text.contains("Did you mean"), "{}", answer.text);
        }
    }
    let query = "query($order: TaskOrder) { tasks(orderBy: $order) { totalCount } }";
    let order = json!({ "field": "IDD", "direction": "ASC", "filed": 1 });
    let variables = app.admin.run_with(query, json!({ "order": order })).await;
    let literal = "{ tasks(orderBy: { field: IDD, direction: ASC, filed: 1 }) { totalCount } }";
    for answer in [variables, app.admin.run(literal).await] {
        assert_eq!(
            answer.problems(),
            ["orderBy.field WRONG_TYPE", "orderBy.filed UNKNOWN_FIELD"]
        );
        assert!(
            answer
                .text
                .contains("TaskOrderField. Did you mean \\\"ID\\\"?"),
            "{}",
            answer.text
        );
        assert!(
            answer
                .text
                .contains("no such field. Did you mean \\\"field\\\"?"),
            "{}",
            answer.text
        );
    }
}

#[each_database]
async fn a_schema_that_is_not_told_is_not_told_anywhere(app: TestApp) {
    let client = app.serving(&["--introspection", "off"]).unwrap();
    for document in [
        super::introspection::STANDARD,
        "{ __schema { queryType { name } } }",
        "{ a: __type(name: \"Query\") { name } }",
        "{ _service { sdl } }",
        "{ ...f } fragment f on Query { ... { __schema { queryType { name } } } }",
        "mutation { __schema { queryType { name } } }",
        "{ viewer { id } } fragment unused on Query { __schema { queryType { name } } }",
    ] {
        let answer = client.run(document).await;
        assert_eq!(
            answer.code(),
            "GRAPHQL_VALIDATION_FAILED",
            "{document}: {}",
            answer.text
        );
        assert_eq!(answer.json.get("data"), None);
    }
    let answer = client.run("{ __typename viewer { __typename } }").await;
    assert_eq!(
        answer.data(),
        &json!({ "__typename": "Query", "viewer": { "__typename": "User" } })
    );
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
    let variables = json!({ "r": [{ "__typename": "User", "id": 1 }] });
    client.run_with(query, variables).await.ok();
    for (router, status) in [
        (&client.router, StatusCode::NOT_FOUND),
        (&app.router, StatusCode::OK),
    ] {
        let request = Request::get("/schema.graphql").body(Body::empty()).unwrap();
        assert_eq!(send(router, request).await.status, status);
    }
}

#[each_database]
async fn no_message_tells_a_name_that_the_client_did_not_send(app: TestApp) {
    let client = app.serving(&["--introspection", "off"]).unwrap();
    let sdl = annograph::graphql::sdl::published();
    // What the language itself has, and words of the messages' own.
    let public = [
        "Int",
        "scalar",
        "FIELD",
        "enum",
        "interface",
        "union",
        "object",
        "subscription",
        "fragment",
        "problems",
        "items",
        "errors",
        "extensions",
        "repeatable",
        "on",
        "schema",
        "Float",
        "String",
        "Boolean",
        "ID",
        "skip",
        "include",
        "if",
        "name",
        "query",
        "mutation",
        "field",
        "fields",
        "type",
        "types",
        "to",
        "from",
        "input",
        "value",
        "directive",
        "data",
        "id",
        "in",
        "of",
        "a",
        "is",
        "not",
        "the",
        "task",
        "path",
        "code",
        "message",
        "version",
        "gt",
        "and",
        "variable",
        "condition",
        "alias",
    ];
    let letter = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let code: String = sdl.split("\"\"\"").step_by(2).collect();
    let names: std::collections::HashSet<&str> = code
        .split(letter)
        .filter(|name| {
            !public.contains(name) && !name.starts_with(|first: char| first.is_ascii_digit())
        })
        .collect();
    let title = json!({ "title": 1, "no": 2 });
    for (document, variables) in [
        ("{ viewr { id } }", json!({})),
        ("{ viewer }", json!({})),
        ("{ viewer { id { x } } }", json!({})),
        ("{ viewer { usernam } }", json!({})),
        ("{ annotation { id } }", json!({})),
        ("{ annotation(identity: 1) { id } }", json!({})),
        ("{ annotation(id: {}) { id } }", json!({})),
        ("{ tasks(first: \"x\") { x } }", json!({})),
        ("{ tasks(first: \"x\") { totalCount } }", json!({})),
        ("{ tasks(filter: 1) { totalCount } }", json!({})),
        ("{ tasks(orderBy: {}) { totalCount } }", json!({})),
        (
            "{ tasks(orderBy: { field: IDD, direction: UP }) { totalCount } }",
            json!({}),
        ),
        (
            "query($x: Int) { tasks(orderBy: { direction: $x }) { totalCount } }",
            json!({}),
        ),
        ("query($x: Int) { annotation(id: $x) { id } }", json!({})),
        (
            "query($x: Annotation) { annotation(id: $x) { id } }",
            json!({}),
        ),
        (
            "query($x: Nothing) { annotation(id: $x) { id } }",
            json!({}),
        ),
        ("mutation { createProject(input: {}) { id } }", json!({})),
        (
            "mutation { createProject(input: { titel: \"x\" }) { id } }",
            json!({}),
        ),
        (
            "mutation($x: CreateProjectInput!) { createProject(input: $x) { id } }",
            json!({ "x": {} }),
        ),
        (
            "mutation($x: CreateProjectInput!) { createProject(input: $x) { id } }",
            json!({ "x": title }),
        ),
        (
            "mutation($x: CreateProjectInput!) { createProject(input: $x) { id } }",
            json!({}),
        ),
        (
            "query($x: TaskFilter) { tasks(filter: $x) { totalCount } }",
            json!({ "x": { "id": 1 } }),
        ),
        (
            "query($x: TaskFilter) { tasks(filter: $x) { totalCount } }",
            json!({ "x": { "id": { "eq": {} } } }),
        ),
        (
            "query($x: TaskFilter) { tasks(filter: $x) { totalCount } }",
            json!({ "x": { "idd": { "eq": {} } } }),
        ),
        ("{ viewer { ... on Task { id } } }", json!({})),
        ("{ viewer { ... on Usr { id } } }", json!({})),
        ("{ ...f } fragment f on ID { id }", json!({})),
        ("{ ...f } fragment f on Task { id }", json!({})),
        ("{ viewer { a: id a: username } }", json!({})),
        (
            "{ task(id: 1) { a: project { id } a: createdAt } }",
            json!({}),
        ),
        ("{ a: task(id: 1) { id } a: task(id: 2) { id } }", json!({})),
        ("{ viewer @deprecated { id } }", json!({})),
        ("{ viewer @skp { id } }", json!({})),
        ("{ viewer @skip { id } }", json!({})),
        ("{ viewer @skip(iff: 1) { id } }", json!({})),
        ("subscription { x }", json!({})),
        ("type Query { x: Int } { viewer { id } }", json!({})),
        (
            "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
            json!({ "r": [{}] }),
        ),
    ] {
        let answer = client.run_with(document, variables.clone()).await;
        assert_ne!(answer.json.get("errors"), None, "{document}");
        let sent = format!("{document} {variables}");
        let sent: std::collections::HashSet<&str> = sent.split(letter).collect();
        for word in answer.text.split(letter) {
            assert!(
                sent.contains(word) || !names.contains(word),
                "{word} in {} for {document}",
                answer.text
            );
        }
    }
}
