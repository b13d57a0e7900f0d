//! Coercion of literals and variables.

use each_database::each_database;
use serde_json::json;

use crate::support::TestApp;

#[each_database]
async fn variables_are_coerced_as_the_specification_says(app: TestApp) {
    app.project_with_task().await;
    app.task("1").await;
    for (ty, value, list, expected) in [
        ("Int", json!(1), "tasks(first: $v)", "1"),
        ("Int", json!(1.0), "tasks(first: $v)", "1"),
        ("Int", json!(null), "tasks(first: $v)", "1 2"),
        ("Int!", json!(0), "tasks(first: $v)", ""),
        (
            "[ID!]",
            json!("2"),
            "tasks(filter: { id: { in: $v } })",
            "2",
        ),
        ("[ID!]", json!(2), "tasks(filter: { id: { in: $v } })", "2"),
        (
            "[ID!]!",
            json!([1, "2"]),
            "tasks(filter: { id: { in: $v } })",
            "1 2",
        ),
        (
            "ID!",
            json!("1"),
            "tasks(filter: { id: { in: [$v, 2] } })",
            "1 2",
        ),
        ("ID", json!(1), "tasks(filter: { id: { eq: $v } })", "1"),
        (
            "Boolean",
            json!(false),
            "tasks(filter: { isLabeled: $v })",
            "1 2",
        ),
        (
            "TaskFilter",
            json!({ "id": { "in": 1 } }),
            "tasks(filter: $v)",
            "1",
        ),
        (
            "TaskFilter",
            json!({ "id": null }),
            "tasks(filter: $v)",
            "1 2",
        ),
        (
            "TaskOrder",
            json!({ "field": "ID", "direction": "DESC" }),
            "tasks(orderBy: $v)",
            "2 1",
        ),
        (
            "OrderDirection!",
            json!("DESC"),
            "tasks(orderBy: { field: ID, direction: $v })",
            "2 1",
        ),
        (
            "DateTime",
            json!("2020-01-01T00:00:00+01:00"),
            "tasks(filter: { createdAt: { gt: $v } })",
            "1 2",
        ),
        ("Int = 1", json!(2), "tasks(first: $v)", "1 2"),
        ("String", json!(null), "tasks(after: $v)", "1 2"),
    ] {
        let query = format!("query($v: {ty}) {{ x: {list} {{ nodes {{ id }} }} }}");
        let answer = app.admin.run_with(&query, json!({ "v": value })).await;
        let nodes = answer.data()["x"]["nodes"].as_array().unwrap();
        let ids: Vec<&str> = nodes
            .iter()
            .map(|node| node["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.join(" "), expected, "{query} with {value}");
    }
    let query = "query($v: Int = 1) { tasks(first: $v) { nodes { id } } }";
    let answer = app.admin.run(query).await;
    assert_eq!(answer.data()["tasks"]["nodes"], json!([{ "id": "1" }]));
}

#[each_database]
async fn values_of_the_wrong_type_are_told_with_their_path(app: TestApp) {
    app.project_with_task().await;
    // Each as a variable; where it can be written so, as a literal too.
    for (ty, value, literal, list, problem) in [
        (
            "Int",
            json!("5"),
            "\"5\"",
            "tasks(first: $v)",
            "first WRONG_TYPE",
        ),
        (
            "Int",
            json!(1.5),
            "1.5",
            "tasks(first: $v)",
            "first WRONG_TYPE",
        ),
        (
            "Int",
            json!(true),
            "true",
            "tasks(first: $v)",
            "first WRONG_TYPE",
        ),
        (
            "Int",
            json!([1, 2]),
            "[1, 2]",
            "tasks(first: $v)",
            "first WRONG_TYPE",
        ),
        (
            "Int",
            json!(2147483648_i64),
            "2147483648",
            "tasks(first: $v)",
            "first NUMBER_OUT_OF_RANGE",
        ),
        (
            "Int",
            json!({}),
            "{}",
            "tasks(first: $v)",
            "first WRONG_TYPE",
        ),
        (
            "ID!",
            json!(null),
            "null",
            "task(id: $v)",
            "id NULL_NOT_ALLOWED",
        ),
        ("ID!", json!(1.5), "1.5", "task(id: $v)", "id WRONG_TYPE"),
        ("ID!", json!(true), "true", "task(id: $v)", "id WRONG_TYPE"),
        (
            "ID!",
            json!({ "a": 1 }),
            "{ a: 1 }",
            "task(id: $v)",
            "id WRONG_TYPE",
        ),
        (
            "String",
            json!(1),
            "1",
            "tasks(after: $v)",
            "after WRONG_TYPE",
        ),
        (
            "Boolean",
            json!("true"),
            "\"true\"",
            "tasks(filter: { isLabeled: $v })",
            "filter.isLabeled WRONG_TYPE",
        ),
        (
            "Boolean",
            json!(1),
            "1",
            "tasks(filter: { isLabeled: $v })",
            "filter.isLabeled WRONG_TYPE",
        ),
        (
            "[ID!]",
            json!(["1", null]),
            "[\"1\", null]",
            "tasks(filter: { id: { in: $v } })",
            "filter.id.in.1 NULL_NOT_ALLOWED",
        ),
        (
            "[ID!]",
            json!([["1"]]),
            "[[\"1\"]]",
            "tasks(filter: { id: { in: $v } })",
            "filter.id.in.0 WRONG_TYPE",
        ),
        (
            "TaskFilter",
            json!([]),
            "\"x\"",
            "tasks(filter: $v)",
            "filter WRONG_TYPE",
        ),
        (
            "TaskFilter",
            json!({ "no": 1 }),
            "{ no: 1 }",
            "tasks(filter: $v)",
            "filter.no UNKNOWN_FIELD",
        ),
        (
            "TaskFilter",
            json!({ "id": { "eq": 1, "like": 2 } }),
            "{ id: { eq: 1, like: 2 } }",
            "tasks(filter: $v)",
            "filter.id.like UNKNOWN_FIELD",
        ),
        (
            "TaskOrder",
            json!({ "field": "ID" }),
            "{ field: ID }",
            "tasks(orderBy: $v)",
            "orderBy.direction REQUIRED",
        ),
        (
            "TaskOrder",
            json!({ "field": "id", "direction": "ASC" }),
            "{ field: id, direction: ASC }",
            "tasks(orderBy: $v)",
            "orderBy.field WRONG_TYPE",
        ),
        (
            "TaskOrder",
            json!({ "field": "ID", "direction": null }),
            "{ field: ID, direction: null }",
            "tasks(orderBy: $v)",
            "orderBy.direction NULL_NOT_ALLOWED",
        ),
        (
            "OrderDirection!",
            json!("asc"),
            "\"ASC\"",
            "tasks(orderBy: { field: ID, direction: $v })",
            "orderBy.direction WRONG_TYPE",
        ),
        (
            "OrderDirection!",
            json!(1),
            "1",
            "tasks(orderBy: { field: ID, direction: $v })",
            "orderBy.direction WRONG_TYPE",
        ),
        (
            "DateTime",
            json!("2024-01-01"),
            "\"2024-01-01\"",
            "tasks(filter: { createdAt: { gt: $v } })",
            "filter.createdAt.gt WRONG_TYPE",
        ),
        (
            "DateTime",
            json!(0),
            "0",
            "tasks(filter: { createdAt: { gt: $v } })",
            "filter.createdAt.gt WRONG_TYPE",
        ),
        (
            "DateTime",
            json!("2024-01-01T00:00:00"),
            "\"2024-01-01T00:00:00\"",
            "tasks(filter: { createdAt: { gt: $v } })",
            "filter.createdAt.gt WRONG_TYPE",
        ),
        (
            "DateTime",
            json!("2024-02-30T00:00:00Z"),
            "\"2024-02-30T00:00:00Z\"",
            "tasks(filter: { createdAt: { gt: $v } })",
            "filter.createdAt.gt WRONG_TYPE",
        ),
        (
            "DateTime",
            json!("+10000-01-01T00:00:00Z"),
            "\"+10000-01-01T00:00:00Z\"",
            "tasks(filter: { createdAt: { gt: $v } })",
            "filter.createdAt.gt WRONG_TYPE",
        ),
        (
            "UUID",
            json!("x"),
            "\"x\"",
            "annotations(filter: { uniqueId: { eq: $v } })",
            "filter.uniqueId.eq WRONG_TYPE",
        ),
        (
            "UUID",
            json!("00000000000040008000000000000001"),
            "\"00000000000040008000000000000001\"",
            "annotations(filter: { uniqueId: { eq: $v } })",
            "filter.uniqueId.eq WRONG_TYPE",
        ),
        (
            "Float",
            json!("1"),
            "\"1\"",
            "annotations(filter: { leadTime: { gt: $v } })",
            "filter.leadTime.gt WRONG_TYPE",
        ),
    ] {
        let fields = if list.starts_with("task(") {
            "id"
        } else {
            "nodes { id }"
        };
        let query = format!("query($v: {ty}) {{ x: {list} {{ {fields} }} }}");
        let answer = app.admin.run_with(&query, json!({ "v": value })).await;
        assert_eq!(
            (answer.code(), answer.problems()),
            ("BAD_USER_INPUT", vec![problem.to_owned()]),
            "{query} with {value}"
        );
        assert_eq!(answer.json.get("data"), None);

        let query = format!("{{ x: {} {{ {fields} }} }}", list.replace("$v", literal));
        let answer = app.admin.run(&query).await;
        assert_eq!(
            (answer.code(), answer.problems()),
            ("BAD_USER_INPUT", vec![problem.to_owned()]),
            "{query}: {}",
            answer.text
        );
        assert_eq!(answer.json.get("data"), None);
    }
}

#[each_database]
async fn all_problems_are_told_at_once(app: TestApp) {
    let query = "mutation($id: ID!, $input: UpdateAnnotationInput!, $project: ID!) {
      updateAnnotation(id: $id, input: $input) { id } createTasks(projectId: $project, tasks: [{ data: {} }]) { id } }";
    let input = json!({ "result": [1, null, {}], "taskId": {}, "wasCancelled": "no", "no": 1, "expectedVersion": 1.5 });
    let answer = app
        .admin
        .run_with(query, json!({ "id": false, "input": input }))
        .await;
    assert_eq!(
        answer.problems(),
        [
            "id WRONG_TYPE",
            "input.result.0 WRONG_TYPE",
            "input.result.1 NULL_NOT_ALLOWED",
            "input.taskId WRONG_TYPE",
            "input.wasCancelled WRONG_TYPE",
            "input.no UNKNOWN_FIELD",
            "input.expectedVersion WRONG_TYPE",
            "projectId REQUIRED",
        ]
    );
    let literal = r#"mutation { updateAnnotation(id: false, input: { result: [1, null, {}], taskId: {}, wasCancelled: "no", no: 1, expectedVersion: 1.5 }) { id } }"#;
    let answer = app.admin.run(literal).await;
    assert_eq!(answer.problems().len(), 7, "{}", answer.text);
}

#[each_database]
async fn a_missing_variable_is_a_problem_where_it_goes(app: TestApp) {
    for (query, problem) in [
        ("query($v: ID!) { task(id: $v) { id } }", "id REQUIRED"),
        (
            "query($v: [ID!]!) { tasks(filter: { id: { in: $v } }) { nodes { id } } }",
            "filter.id.in REQUIRED",
        ),
        (
            "query($v: Boolean!) { viewer @include(if: $v) { id } }",
            "v REQUIRED",
        ),
    ] {
        let answer = app.admin.run(query).await;
        assert_eq!(
            (answer.code(), answer.problems()),
            ("BAD_USER_INPUT", vec![problem.to_owned()]),
            "{query}"
        );
    }
}

#[each_database]
async fn a_variable_inside_of_json_keeps_its_value(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let query = "mutation($task: ID!, $x: Float, $o: JSONObject, $none: Int) {
      createAnnotation(taskId: $task, input: { result: [{ id: \"r\", x: $x, list: [$o], none: $none }] }) { result } }";
    let answer = app
        .admin
        .run_with(
            query,
            json!({ "task": task, "x": 1.5, "o": { "b": 1, "a": [null] } }),
        )
        .await;
    let regions = &answer.data()["createAnnotation"]["result"];
    assert_eq!(regions[0]["x"], 1.5);
    assert_eq!(regions[0]["list"], json!([{ "b": 1, "a": [null] }]));
    assert_eq!(regions[0].get("none").unwrap_or(&json!(null)), &json!(null));
}
