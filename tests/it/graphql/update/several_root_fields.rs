//! Several root fields in one request: each applies as a whole or not at all.

use each_database::each_database;
use serde_json::json;

use super::super::read;
use crate::support::TestApp;

#[each_database]
async fn a_field_that_fails_leaves_its_neighbours_standing(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let answer = app
            .admin
            .run_with(
                "mutation($id: ID!) {
               a: updateAnnotation(id: $id, input: { leadTime: 1 }) { version leadTime }
               b: updateAnnotation(id: 99, input: { leadTime: 2 }) { version }
               c: updateAnnotation(id: $id, input: { leadTime: -3 }) { version }
               d: updateAnnotation(id: $id, input: { leadTime: 4, expectedVersion: 1 }) { version }
               e: updateAnnotation(id: $id, input: { leadTime: 5, expectedVersion: 2 }) { version leadTime }
             }",
                json!({ "id": id }),
            )
            .await;
    assert_eq!(
        answer.json["data"],
        json!({
            "a": { "version": 2, "leadTime": 1.0 }, "b": null, "c": null, "d": null,
            "e": { "version": 3, "leadTime": 5.0 },
        })
    );
    let errors = answer.json["errors"].as_array().unwrap();
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error["path"].clone(), error["extensions"]["code"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!(["b"]), json!("NOT_FOUND")),
            (json!(["c"]), json!("BAD_USER_INPUT")),
            (json!(["d"]), json!("CONFLICT")),
        ]
    );
    assert_eq!(read(&app.admin, &id).await["version"], 3);
}

#[each_database]
async fn a_bad_value_in_a_later_field_stops_the_first(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let request = |head: &str, second: &str, variables: &str| {
        let query = format!(
            "mutation{head} {{ a: updateAnnotation(id: {id}, input: {{ leadTime: 1 }}) {{ version }} b: updateAnnotation(id: {id}, input: {second}) {{ version }} }}"
        );
        format!(r#"{{"query":{},"variables":{variables}}}"#, json!(query))
    };
    for (variable, literal, problem) in [
        (
            r#"{"result":[1]}"#,
            "{result:[1]}",
            "input.result.0 WRONG_TYPE",
        ),
        (
            r#"{"result":[null]}"#,
            "{result:[null]}",
            "input.result.0 NULL_NOT_ALLOWED",
        ),
        (
            r#"{"leadTime":"1"}"#,
            r#"{leadTime:"1"}"#,
            "input.leadTime WRONG_TYPE",
        ),
        (
            r#"{"leadTime":1e400}"#,
            "{leadTime:1e400}",
            "input.leadTime NUMBER_OUT_OF_RANGE",
        ),
        (r#"{"nope":1}"#, "{nope:1}", "input.nope UNKNOWN_FIELD"),
    ] {
        let literal = request("", literal, "{}");
        let variables = format!(r#"{{"input":{variable}}}"#);
        let variable = request("($input: UpdateAnnotationInput!)", "$input", &variables);
        for body in [literal, variable] {
            let answer = app.admin.post(body.clone()).await;
            assert_eq!(answer.json.get("data"), None, "{body}\n{}", answer.text);
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body}");
            assert_eq!(answer.problems(), [problem], "{body}");
            assert_eq!(app.dump().await, before, "{body}");
        }
    }
}
