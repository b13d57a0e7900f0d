//! Invalid input: wrong types, values out of bounds, and unknown ids.

use each_database::each_database;
use serde_json::{Value, json};

use super::super::update;
use crate::support::TestApp;

/// Sends an input as a variable and, when it can be written so, as a literal; both get the same refusal
/// and leave no trace.
async fn refused(app: &TestApp, id: &str, input: &Value, problems: &[&str]) {
    let before = app.dump().await;
    let answer = update(&app.admin, id, input.clone()).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT", "{input}");
    assert_eq!(answer.problems(), problems, "{input}");
    let literal = literal(input);
    let query = format!("mutation {{ updateAnnotation(id: \"{id}\", input: {literal}) {{ id }} }}");
    let literally = app.admin.run(&query).await;
    assert_eq!(literally.code(), "BAD_USER_INPUT", "{query}");
    assert_eq!(literally.problems(), problems, "{query}");
    assert_eq!(
        literally.json.get("data"),
        answer.json.get("data").map(|_| &literally.json["data"])
    );
    assert_eq!(app.dump().await, before, "{input}");
}

/// A value as GraphQL writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(literal).collect::<Vec<_>>().join(",")
            )
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key}:{}", literal(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        plain => plain.to_string(),
    }
}

#[each_database]
async fn a_region_is_an_object_and_its_id_a_string(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for (result, problems) in [
        (json!([1]), vec!["input.result.0 WRONG_TYPE"]),
        (json!([{}, "a", {}]), vec!["input.result.1 WRONG_TYPE"]),
        (json!([null]), vec!["input.result.0 NULL_NOT_ALLOWED"]),
        (json!([[{}]]), vec!["input.result.0 WRONG_TYPE"]),
        (
            json!([true, null, [], 0.5]),
            vec![
                "input.result.0 WRONG_TYPE",
                "input.result.1 NULL_NOT_ALLOWED",
                "input.result.2 WRONG_TYPE",
                "input.result.3 WRONG_TYPE",
            ],
        ),
        (json!("[]"), vec!["input.result WRONG_TYPE"]),
        (json!(1), vec!["input.result WRONG_TYPE"]),
        (json!([{ "id": 1 }]), vec!["input.result.0.id WRONG_TYPE"]),
        (
            json!([{ "id": null }, { "id": "a" }, { "x": {}, "id": [] }, { "id": {} }, { "id": false }]),
            vec![
                "input.result.0.id WRONG_TYPE",
                "input.result.2.id WRONG_TYPE",
                "input.result.3.id WRONG_TYPE",
                "input.result.4.id WRONG_TYPE",
            ],
        ),
    ] {
        refused(&app, &id, &json!({ "result": result }), &problems).await;
    }
}

#[each_database]
async fn values_of_the_wrong_type_are_refused_before_anything_runs(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for (field, values) in [
        (
            "taskId",
            vec![json!(1.5), json!(true), json!({}), json!(["1"])],
        ),
        ("projectId", vec![json!(1.5)]),
        ("completedById", vec![json!({ "id": 1 })]),
        ("updatedById", vec![json!(false)]),
        ("wasCancelled", vec![json!(1), json!("true"), json!([true])]),
        ("groundTruth", vec![json!(0), json!("false"), json!({})]),
        ("leadTime", vec![json!("12"), json!(true), json!([1])]),
        ("expectedVersion", vec![json!("1"), json!(1.5), json!(true)]),
    ] {
        for value in values {
            let before = app.dump().await;
            let problem = format!("input.{field} WRONG_TYPE");
            refused(&app, &id, &json!({ field: value }), &[&problem]).await;
            assert_eq!(app.dump().await, before);
        }
    }
    let too_big = json!({ "expectedVersion": 2_147_483_648_i64 });
    refused(
        &app,
        &id,
        &too_big,
        &["input.expectedVersion NUMBER_OUT_OF_RANGE"],
    )
    .await;
    let wrong = json!({ "uniqueId": "x", "leadTime": "1", "wasCancelled": 2, "result": [3] });
    let problems = [
        "input.uniqueId UNKNOWN_FIELD",
        "input.leadTime WRONG_TYPE",
        "input.wasCancelled WRONG_TYPE",
        "input.result.0 WRONG_TYPE",
    ];
    refused(&app, &id, &wrong, &problems).await;
    for input in [json!(1), json!("x"), json!([1])] {
        refused(&app, &id, &input, &["input WRONG_TYPE"]).await;
    }
}

#[each_database]
async fn lead_times_are_finite_and_not_negative(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for seconds in [json!(-1), json!(-0.001), json!(-1e300)] {
        let input = json!({ "leadTime": seconds, "result": [{ "id": 1 }] });
        let problems = [
            "input.result.0.id WRONG_TYPE",
            "input.leadTime OUT_OF_BOUNDS",
        ];
        refused(&app, &id, &input, &problems).await;
    }
}

#[each_database]
async fn references_that_lead_nowhere_are_unknown(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for nowhere in [
        json!("99"),
        json!("abc"),
        json!("0"),
        json!("-1"),
        json!("99999999999999999999"),
        json!(""),
        json!(" 1"),
        json!("1.0"),
        json!("01"),
        json!("+1"),
        json!("１"),
        json!(99),
        json!(0),
    ] {
        for field in ["taskId", "projectId", "completedById", "updatedById"] {
            let problem = format!("input.{field} UNKNOWN_ID");
            refused(&app, &id, &json!({ field: nowhere }), &[&problem]).await;
        }
        let before = app.dump().await;
        let text = nowhere
            .as_str()
            .map_or_else(|| nowhere.to_string(), str::to_owned);
        let answer = update(&app.admin, &text, json!({ "leadTime": 1 })).await;
        assert_eq!(answer.code(), "NOT_FOUND", "{nowhere}");
        assert_eq!(answer.json["data"], json!({ "updateAnnotation": null }));
        assert_eq!(app.dump().await, before);
    }
}
