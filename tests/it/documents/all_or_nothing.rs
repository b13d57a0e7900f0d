//! Several mutations in a document: a bad value in one stops all.

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// The problems of the only error, each as `field: path.with.dots CODE`.
#[track_caller]
fn problems_by_field(answer: &Answer) -> Vec<String> {
    let fields = answer.error()["extensions"]["problems"].as_array().unwrap();
    let fields = fields
        .iter()
        .map(|problem| problem["field"].as_str().unwrap_or("-"));
    let told = answer.problems();
    fields
        .zip(told)
        .map(|(field, problem)| format!("{field}: {problem}"))
        .collect()
}

#[each_database]
async fn a_fault_in_the_json_of_one_mutation_keeps_all_from_running(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let deep = format!("{}1{}", "[".repeat(130), "]".repeat(130));
    let create = r#"a: createProject(input: { title: "x" }) { id }"#;
    let update = "b: updateAnnotation(id: $id, input: $input) { id }";
    for (result, problem) in [
        (
            r#"[{ "x": 1e400 }]"#.to_owned(),
            "input.result.0.x NUMBER_OUT_OF_RANGE",
        ),
        (
            r#"[{ "x": 18446744073709551616 }]"#.to_owned(),
            "input.result.0.x NUMBER_OUT_OF_RANGE",
        ),
        (
            r#"[{ "x": ["\ud800"] }]"#.to_owned(),
            "input.result.0.x.0 INVALID_TEXT",
        ),
        (
            r#"[{}, { "$serde_json::private::Number": "1" }]"#.to_owned(),
            "input.result.1.$serde_json::private::Number RESERVED_KEY",
        ),
        (r#"[null]"#.to_owned(), "input.result.0 NULL_NOT_ALLOWED"),
        (
            r#"[1e400]"#.to_owned(),
            "input.result.0 NUMBER_OUT_OF_RANGE",
        ),
        (format!(r#"[{{ "x": {deep} }}]"#), "TOO_DEEP"),
    ] {
        for query in [
            format!("mutation($id: ID!, $input: UpdateAnnotationInput!) {{ {create} {update} }}"),
            format!(
                "mutation($id: ID!, $input: UpdateAnnotationInput!) {{ ...f ...g }} fragment f on Mutation {{ {create} }} fragment g on Mutation {{ ... {{ {update} }} }}"
            ),
        ] {
            let body = format!(
                r#"{{ "query": {}, "variables": {{ "id": {id}, "input": {{ "result": {result} }} }} }}"#,
                json!(query)
            );
            let answer = app.admin.post(body).await;
            assert_eq!(answer.json.get("data"), None, "{}", answer.text);
            let told = problems_by_field(&answer);
            assert!(
                told.len() == 1 && told[0].starts_with("b: ") && told[0].ends_with(problem),
                "{told:?}"
            );
        }
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn problems_of_several_mutations_are_told_at_once_and_apart(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let query = "mutation($id: ID!, $one: UpdateAnnotationInput!, $two: UpdateAnnotationInput!) {
      a: updateAnnotation(id: $id, input: $one) { id }
      b: updateAnnotation(id: $id, input: $two) { id }
      updateAnnotation(id: $id, input: { result: [{ x: 1e400, y: [2, 18446744073709551616] }] }) { id }
    }";
    let body = format!(
        r#"{{ "query": {}, "variables": {{ "id": {id}, "one": {{ "result": [{{ "x": -1e999 }}], "no": 1 }}, "two": {{ "result": [{{}}, {{ "x": "\ud83d" }}], "leadTime": 1e400 }} }} }}"#,
        json!(query)
    );
    let answer = app.admin.post(body).await;
    let mut told = problems_by_field(&answer);
    told.sort();
    assert_eq!(
        told,
        [
            "a: input.no UNKNOWN_FIELD",
            "a: input.result.0.x NUMBER_OUT_OF_RANGE",
            "b: input.leadTime NUMBER_OUT_OF_RANGE",
            "b: input.result.1.x INVALID_TEXT",
            "updateAnnotation: input.result.0.x NUMBER_OUT_OF_RANGE",
            "updateAnnotation: input.result.0.y.1 NUMBER_OUT_OF_RANGE",
        ]
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn one_mutation_tells_all_that_is_wrong_with_its_input(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let variable = "mutation($id: ID!, $input: UpdateAnnotationInput!) { updateAnnotation(id: $id, input: $input) { id } }";
    let variable = format!(
        r#"{{ "query": {}, "variables": {{ "id": {id}, "input": {{ "result": [{{ "id": 7, "x": 1e400 }}], "leadTime": -1 }} }} }}"#,
        json!(variable)
    );
    let literal = format!(
        "mutation {{ updateAnnotation(id: {id}, input: {{ result: [{{ id: 7, x: 1e400 }}], leadTime: -1 }}) {{ id }} }}"
    );
    let literal = json!({ "query": literal }).to_string();
    for body in [variable, literal] {
        let answer = app.admin.post(body).await;
        assert_eq!(
            answer.json["data"],
            json!({ "updateAnnotation": null }),
            "{}",
            answer.text
        );
        assert_eq!(answer.error()["path"], json!(["updateAnnotation"]));
        let expected = [
            "- input.result.0.id WRONG_TYPE",
            "- input.result.0.x NUMBER_OUT_OF_RANGE",
            "- input.leadTime OUT_OF_BOUNDS",
        ];
        assert_eq!(
            answer.problems(),
            expected.map(|problem| problem.trim_start_matches("- "))
        );
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn good_mutations_run_one_after_the_other(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let query = "mutation($id: ID!, $result: [JSONObject!]) {
      a: updateAnnotation(id: $id, input: { result: $result }) { version }
      b: updateAnnotation(id: $id, input: { result: [{ id: \"é\", x: 1.5e3, y: -0.0 }] }) { version result }
    }";
    let variables = json!({ "id": id, "result": [{ "id": "x" }] });
    let answer = app.admin.run_with(query, variables).await;
    let data: &Value = answer.data();
    assert_eq!(
        (&data["a"]["version"], &data["b"]["version"]),
        (&json!(2), &json!(3))
    );
    assert!(
        answer.text.contains(r#"{"id":"é","x":1500.0,"y":-0.0}"#),
        "{}",
        answer.text
    );
}
