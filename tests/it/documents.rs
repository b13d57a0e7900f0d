//! Validation of documents and variables, with the verdicts of graphql-js.

mod all_or_nothing;
mod coercion;
mod cost;
mod introspection;
mod limits;
mod persisted;
mod schema_disclosure;
mod trusted;

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// The codes of an answer's errors, each once.
#[track_caller]
fn codes(answer: &Answer) -> Vec<&str> {
    let errors = answer.json["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text));
    assert_eq!(answer.json.get("data"), None, "{}", answer.text);
    let mut codes: Vec<&str> = errors
        .iter()
        .map(|error| error["extensions"]["code"].as_str().unwrap())
        .collect();
    codes.dedup();
    codes
}

#[each_database]
async fn text_that_does_not_parse_is_refused(app: TestApp) {
    for document in [
        "",
        " \n# nothing\n",
        "{",
        "{ viewer { id }",
        "{ viewer { id } } }",
        "query { viewer { id } } nonsense",
        "query ($x Int) { viewer { id } }",
        "{ annotation(id: ) { id } }",
        "{ annotation() { id } }",
        "{ annotation(id: \"1) { id } }",
        "{ annotation(id: 01) { id } }",
        "{ annotation(id: 1.) { id } }",
        "{ annotation(id: .5) { id } }",
        "{ viewer { id } \u{7} }",
        "fragment on on Query { viewer { id } } { ...on }",
        "{ ... on { id } }",
        "{ viewer { id: } }",
        "{ viewer @ { id } }",
        "<html>",
        "{ tasks(first) { totalCount } }",
        "{ annotation(id: 1 X) { id } }",
        "{ viewer @skip(if) { id } }",
        "{ tasks(filter: { isLabeled: true id }) { totalCount } }",
        "query($f: TaskFilter = { id }) { tasks(filter: $f) { totalCount } }",
        "\"of a shorthand\" { viewer { id } }",
        "\"one\" \"two\" query { viewer { id } }",
        "\"unterminated query { viewer { id } }",
        "query \"of a name\" a { viewer { id } }",
        "{ \"of a field\" viewer { id } }",
        "query(\"of no variable\" x: Int) { viewer { id } }",
        "query(\"one\" \"two\" x: Int) { tasks(first: $x) { totalCount } }",
        "query(\"of two names\" x y: Int) { tasks(first: $y) { totalCount } }",
        "\"of a fragment named on\" fragment on Query { viewer { id } } { ...fragment }",
    ] {
        let answer = app.admin.run(document).await;
        assert_eq!(
            codes(&answer),
            ["GRAPHQL_PARSE_FAILED"],
            "{document}: {}",
            answer.text
        );
    }
}

#[each_database]
async fn faults_behind_a_description_are_told_where_they_are(app: TestApp) {
    for (document, line, column) in [
        (
            "\"\"\"two\nlines é😀\"\"\" query { viewer { nonsense } }",
            2,
            30,
        ),
        ("{ annotation(id: \"é😀\") { nonsense } }", 1, 26),
        ("\"é😀\" query { viewer { id: } }", 1, 27),
        ("\"é😀\" query { viewer @skip(if) { id } }", 1, 27),
    ] {
        let answer = app.admin.run(document).await;
        let at = json!([{ "line": line, "column": column }]);
        let last = answer.json["errors"].as_array().unwrap().last().unwrap();
        assert_eq!(last["locations"], at, "{}", answer.text);
    }
}

#[each_database]
async fn documents_that_break_a_rule_are_refused(app: TestApp) {
    for document in [
        "{ nonsense }",
        "{ viewer }",
        "{ viewer { id { x } } }",
        "{ viewer { id(x: 1) } }",
        "{ annotation { id } }",
        "{ annotation(id: 1, id: 2) { id } }",
        "{ annotation(id: 1, no: 2) { id } }",
        "{ annotation(id: 1) { id } task { id } }",
        // Fields that share a name and are not the same.
        "{ a: annotation(id: 1) { id } a: annotation(id: 2) { id } }",
        "{ viewer { id id: username } }",
        "{ a: viewer { n: id } a: viewer { n: username } }",
        "{ a: viewer { n: id } ... on Query { a: viewer { n: username } } }",
        "{ annotations { nodes { n: id } nodes { n: version } } }",
        // Whatever hangs on `__typename`.
        "{ __typename @unknown }",
        "{ __typename @skip }",
        "{ __typename @skip(if: true) @skip(if: true) }",
        "{ __typename(x: 1) }",
        "{ __typename { x } }",
        "{ __typename @deprecated }",
        // Variables.
        "query($id: ID) { annotation(id: $id) { id } }",
        "query($id: Int!) { annotation(id: $id) { id } }",
        "query($ids: [ID]) { annotations(filter: { id: { in: $ids } }) { nodes { id } } }",
        "query($v: String) { annotations(filter: { leadTime: { gt: $v } }) { nodes { id } } }",
        "query($v: ID) { annotations(filter: { id: { in: [$v] } }) { nodes { id } } }",
        "query($v: OrderDirection) { tasks(orderBy: { field: ID, direction: $v }) { nodes { id } } }",
        "query($v: OrderDirection = null) { tasks(orderBy: { field: ID, direction: $v }) { nodes { id } } }",
        "query($v: ID = null) { annotation(id: $v) { id } }",
        "query($v: Boolean = null) { viewer @skip(if: $v) { id } }",
        "query($v: Boolean = null) { ...f @include(if: $v) } fragment f on Query { viewer { id } }",
        "query($v: TaskFilter) { annotations(filter: { id: $v }) { nodes { id } } }",
        "mutation($v: JSONObject) { updateAnnotation(id: 1, input: { result: [$v] }) { id } }",
        "mutation($v: JSONObject) { ...f } fragment f on Mutation { updateAnnotation(id: 1, input: { result: $v }) { id } }",
        "{ annotation(id: $id) { id } }",
        "query($id: ID!) { viewer { id } }",
        "query($id: ID!, $id: ID!) { annotation(id: $id) { id } }",
        "query($id: Annotation) { viewer @include(if: true) { id } }",
        "query($id: Unknown!) { annotation(id: $id) { id } }",
        "query($yes: Boolean) { viewer @include(if: $yes) { id } }",
        "mutation { updateAnnotation(id: 1, input: { result: [{ a: $b }] }) { id } }",
        "query($first: Int = 1, $second: Int) { annotations(first: $third) { nodes { id } } }",
        "query a($id: ID!) { ...f } query b { ...f } fragment f on Query { annotation(id: $id) { id } }",
        "mutation a($x: Int) { updateAnnotation(id: 1, input: { result: [{ x: $x }] }) { id } } mutation b { ...f } fragment f on Mutation { updateAnnotation(id: 1, input: { result: [{ x: [{ y: $x }] }] }) { id } }",
        // Fragments.
        "{ ...missing }",
        "fragment f on Query { viewer { id } } { viewer { id } }",
        "fragment f on Query { ...f } { ...f }",
        "fragment a on Query { ...b } fragment b on Query { ...a } { ...a }",
        "fragment f on Query { viewer { id } } fragment f on Query { viewer { id } } { ...f }",
        "{ viewer { ... on Task { id } } }",
        "{ ...f } fragment f on Task { id }",
        "fragment f on ID { x } { viewer { ...f } }",
        "fragment f on Nothing { x } { ...f }",
        // Operations.
        "query a { viewer { id } } query a { viewer { username } }",
        "{ viewer { id } } query b { viewer { id } }",
        "query @skip(if: true) { viewer { id } }",
        "subscription { a: annotationEvents { cursor } b: annotationEvents { cursor } }",
        "subscription {}",
        "subscription { ...f } fragment f on Subscription {}",
        "{ viewer { id {} } }",
        "type Query { x: Int } { viewer { id } }",
        // Objects.
        "{ annotations(filter: { wasCancelled: true, wasCancelled: false }) { nodes { id } } }",
        "query($f: AnnotationFilter = { wasCancelled: true, wasCancelled: true }) { annotations(filter: $f) { nodes { id } } }",
        "mutation { updateAnnotation(id: 1, input: { result: [{ a: { b: 1, b: 2 } }] }) { id } }",
    ] {
        let answer = app.admin.run(document).await;
        assert_ne!(
            answer.json.get("errors"),
            None,
            "{document}: {}",
            answer.text
        );
        assert_eq!(
            codes(&answer),
            ["GRAPHQL_VALIDATION_FAILED"],
            "{document}: {}",
            answer.text
        );
        for error in answer.json["errors"].as_array().unwrap() {
            assert_eq!(error.get("path"), None, "{document}");
        }
    }
}

#[each_database]
async fn documents_that_other_servers_take_are_taken(app: TestApp) {
    let id = json!({ "id": "1" });
    for (document, variables, expected) in [
        ("{ viewer { id } }", json!({}), json!({ "viewer": id })),
        (
            "query($s: Boolean!) { a: __typename @skip(if: $s) viewer { id } }",
            json!({ "s": true }),
            json!({ "viewer": id }),
        ),
        (
            "query($s: Boolean!) { a: __typename @include(if: $s) }",
            json!({ "s": true }),
            json!({ "a": "Query" }),
        ),
        (
            "query($s: Boolean = true) { viewer { id username @skip(if: $s) } }",
            json!({}),
            json!({ "viewer": id }),
        ),
        (
            "{ viewer { id ...f } } fragment f on User { id ... { id } ... on User @include(if: true) { id } }",
            json!({}),
            json!({ "viewer": id }),
        ),
        (
            "{ viewer { id id id } viewer { id } }",
            json!({}),
            json!({ "viewer": id }),
        ),
        (
            "query($id: ID = 1) { annotation(id: $id) { id } }",
            json!({}),
            json!({ "annotation": null }),
        ),
        (
            "query($unused: Int) { viewer @include(if: true) { id } a: annotations(first: $unused) { nodes { id } } }",
            json!({}),
            json!({ "viewer": id, "a": { "nodes": [] } }),
        ),
        (
            "# comment\n,,,query,named,{,viewer,{,id,},}",
            json!({ "extra": [1] }),
            json!({ "viewer": id }),
        ),
        (
            "{ viewer { true: id null: id on: id type: id } }",
            json!({}),
            json!({ "viewer": { "true": "1", "null": "1", "on": "1", "type": "1" } }),
        ),
        // Empty selections, of the edition of September 2026.
        ("{}", json!({}), json!({})),
        ("{ viewer {} }", json!({}), json!({ "viewer": {} })),
        (
            "{ ...f tasks { nodes {} } } fragment f on Query {}",
            json!({}),
            json!({ "tasks": { "nodes": [] } }),
        ),
        // Commas, which mean nothing.
        (
            "\"a\",query,a { viewer,{ ,b,:,id ...,on User {} } }",
            json!({}),
            json!({ "viewer": { "b": "1" } }),
        ),
        (
            "{ annotation(id: \"\"\"1\"\"\") { id } }",
            json!({}),
            json!({ "annotation": null }),
        ),
        (
            "{ annotation(id: \"\\u0031\") { id } }",
            json!({}),
            json!({ "annotation": null }),
        ),
        (
            "query($v: OrderDirection = ASC) { tasks(orderBy: { field: ID, direction: $v }) { nodes { id } } }",
            json!({}),
            json!({ "tasks": { "nodes": [] } }),
        ),
        (
            "query true { viewer { id } }",
            json!({}),
            json!({ "viewer": id }),
        ),
        (
            "\"one\" query a { ...f } \"\"\"two \"quoted\" words\"\"\" fragment f on Query { viewer { id } }",
            json!({}),
            json!({ "viewer": id }),
        ),
        (
            "query(\"one\" $a: String = \"x\" \"two\" $b: ID! = 1) { __type(name: $a) { name } user(id: $b) { id } }",
            json!({}),
            json!({ "__type": null, "user": id }),
        ),
        (
            "{ annotation(id: \"\\u{1F600}\\u{31}\\uD83D\\uDE00\") { id } }",
            json!({}),
            json!({ "annotation": null }),
        ),
        (
            "query($ids: [ ID ! ] ) { a: annotations(filter: { id: { in: $ids } }) { nodes { id } } }",
            json!({}),
            json!({ "a": { "nodes": [] } }),
        ),
        (
            "{ viewer { ... on# comment\nUser { id } ...on User{id} } }",
            json!({}),
            json!({ "viewer": id }),
        ),
    ] {
        let answer = app.admin.run_with(document, variables).await;
        assert_eq!(answer.data(), &expected, "{document}");
    }
}

#[each_database]
async fn an_unknown_field_is_the_only_error_of_its_selection(app: TestApp) {
    for (document, name) in [
        ("{ viewer { nonsense } }", "nonsense"),
        ("{ tasks { nodes { project { nonsense } } } }", "nonsense"),
    ] {
        let answer = app.admin.run(document).await;
        let errors = answer.json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{}", answer.text);
        assert!(answer.text.contains(name), "{}", answer.text);
    }
}

#[each_database]
async fn a_refused_document_runs_none_of_its_mutations(app: TestApp) {
    let before = app.dump().await;
    let create = r#"createProject(input: { title: "x" }) { id }"#;
    for document in [
        format!("mutation {{ a: {create} b: nonsense }}"),
        format!("mutation($id: ID!) {{ a: {create} b: deleteAnnotation(id: $id) {{ id }} }}"),
        format!(
            "mutation {{ a: {create} b: deleteAnnotation(id: 1, expectedVersion: 3000000000) {{ id }} }}"
        ),
        format!("mutation {{ a: {create} b: deleteAnnotation(id: 1.5) {{ id }} }}"),
        format!("mutation {{ a: {create} b: createProject(input: {{}}) {{ id }} }}"),
        format!(
            "mutation {{ a: {create} b: updateAnnotation(id: 1, input: {{ result: [null] }}) {{ id }} }}"
        ),
        format!(
            "mutation {{ a: {create} b: updateAnnotation(id: 1, input: {{ leadTime: 1e999 }}) {{ id }} }}"
        ),
        format!(
            "mutation {{ a: {create} b: updateAnnotation(id: 1, input: {{ result: [{{ x: $x }}] }}) {{ id }} }}"
        ),
        format!("mutation($yes: Boolean!) {{ a: {create} b: __typename @skip(if: $yes) }}"),
        format!("mutation a {{ {create} }} mutation b {{ {create} }}"),
    ] {
        let answer = app.admin.run_with(&document, json!({ "yes": "yes" })).await;
        assert_eq!(answer.json.get("data"), None, "{document}: {}", answer.text);
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn messages_and_their_number_are_bounded(app: TestApp) {
    let long = "x".repeat(1 << 20);
    for document in [
        format!("{{ {long} }}"),
        format!("{{ viewer {{ {long} }} }}"),
        format!("query {long} {{ nonsense }} query {long} {{ nonsense }}"),
        format!("{{ annotation(id: 1) {{ id @{long} }} }}"),
        format!("{{ ...{long} }}"),
        format!("query(${long}: ID!) {{ viewer {{ id }} }}"),
        format!("{{ annotations(filter: {{ {long}: 1 }}) {{ nodes {{ id }} }} }}"),
        format!(
            "{{ annotations(orderBy: {{ field: {long}, direction: ASC }}) {{ nodes {{ id }} }} }}"
        ),
        format!("{{ annotations(first: \"{long}\") {{ nodes {{ id }} }} }}"),
        format!("{{ {} }}", "nonsense a: viewer b: viewer ".repeat(500)),
    ] {
        let answer = app.admin.run(&document).await;
        let shown: String = document.chars().take(60).collect();
        assert!(
            answer.text.len() < 20_000,
            "{} bytes for {shown}",
            answer.text.len()
        );
        let errors = answer.json["errors"].as_array().unwrap();
        assert!(!errors.is_empty() && errors.len() <= 20, "{shown}");
        for error in errors {
            assert!(
                error["message"].as_str().unwrap().chars().count() <= 301,
                "{shown}"
            );
        }
    }
    let named = json!({ "query": "{ viewer { id } }", "operationName": long });
    let answer = app.admin.post(named.to_string()).await;
    assert!(answer.text.len() < 1_000, "{} bytes", answer.text.len());
    let many: Value = (0..100_000).map(|_| json!(1)).collect();
    let query =
        "query($ids: [UUID!]) { annotations(filter: { uniqueId: { in: $ids } }) { nodes { id } } }";
    let answer = app.admin.run_with(query, json!({ "ids": many })).await;
    assert_eq!(answer.problems().len(), 1_000);
    let input = json!({ "result": [{ format!("$serde_json::private::{long}"): 1 }] });
    let query = "mutation($input: UpdateAnnotationInput!) { updateAnnotation(id: 1, input: $input) { id } }";
    let answer = app.admin.run_with(query, json!({ "input": input })).await;
    assert!(answer.text.len() < 2_000, "{} bytes", answer.text.len());
}
