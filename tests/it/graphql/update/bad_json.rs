//! JSON that can't be stored exactly: refused with the path in the request.

use each_database::each_database;
use serde_json::json;

use super::super::row;
use crate::support::{Answer, TestApp};

async fn with_variable(app: &TestApp, id: &str, input: &str) -> Answer {
    let query = "mutation($id: ID!, $input: UpdateAnnotationInput!) { updateAnnotation(id: $id, input: $input) { id } }";
    let body = format!(r#"{{"query":"{query}","variables":{{"id":"{id}","input":{input}}}}}"#);
    unchanged(app, body).await
}

async fn with_literal(app: &TestApp, id: &str, input: &str) -> Answer {
    let query = format!("mutation {{ updateAnnotation(id: \"{id}\", input: {input}) {{ id }} }}");
    unchanged(app, json!({ "query": query }).to_string()).await
}

/// Sends a body that must leave no trace.
async fn unchanged(app: &TestApp, body: String) -> Answer {
    let before = app.dump().await;
    let answer = app.admin.post(body.clone()).await;
    assert_eq!(app.dump().await, before, "{body}");
    answer
}

#[each_database]
async fn every_problem_of_a_variable_is_told_with_its_path(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let deep = format!(
        r#"{{"result":[{{"x":{}{}}}]}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for (input, problems) in [
        (
            r#"{"result":[{"x":1e400}]}"#,
            vec!["input.result.0.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"result":[{"x":[0,{"y":-1e400}]}]}"#,
            vec!["input.result.0.x.1.y NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"result":[{"x":18446744073709551616}]}"#,
            vec!["input.result.0.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"result":[{"x":-9223372036854775809}]}"#,
            vec!["input.result.0.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"result":[1e400]}"#,
            vec!["input.result.0 NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"result":[{"id":1e400}]}"#,
            vec!["input.result.0.id NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"leadTime":1e400}"#,
            vec!["input.leadTime NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"leadTime":-1e400}"#,
            vec!["input.leadTime NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"expectedVersion":1e400}"#,
            vec!["input.expectedVersion NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"taskId":18446744073709551616}"#,
            vec!["input.taskId NUMBER_OUT_OF_RANGE"],
        ),
        (r#"{"taskId":"\ud800"}"#, vec!["input.taskId INVALID_TEXT"]),
        (
            r#"{"result":[{"x":"\ud800"}]}"#,
            vec!["input.result.0.x INVALID_TEXT"],
        ),
        (
            r#"{"result":[{"x":"a\udc00\ud800b"}]}"#,
            vec!["input.result.0.x INVALID_TEXT"],
        ),
        (
            r#"{"result":[{"id":"\ud800"}]}"#,
            vec!["input.result.0.id INVALID_TEXT"],
        ),
        (
            r#"{"result":[{"a\ud800":1}]}"#,
            vec![r"input.result.0.a\ud800 INVALID_TEXT"],
        ),
        (
            r#"{"result":[{"$serde_json::private::RawValue":"[1]"}]}"#,
            vec!["input.result.0.$serde_json::private::RawValue RESERVED_KEY"],
        ),
        (
            r#"{"result":[{"x":{"\u0024serde_json::private::RawValue":"{\"evil\":1"}}]}"#,
            vec!["input.result.0.x.$serde_json::private::RawValue RESERVED_KEY"],
        ),
        (
            r#"{"result":[{"x":{"$serde_json::private::Number":"1"},"$serde_json::private::y":1}]}"#,
            vec![
                "input.result.0.x.$serde_json::private::Number RESERVED_KEY",
                "input.result.0.$serde_json::private::y RESERVED_KEY",
            ],
        ),
        (
            r#"{"result":[{"id":1,"x":1e400},{"y":"\udfff","id":[]},{"z":99999999999999999999}],"leadTime":-5}"#,
            vec![
                "input.result.0.id WRONG_TYPE",
                "input.result.0.x NUMBER_OUT_OF_RANGE",
                "input.result.1.y INVALID_TEXT",
                "input.result.1.id WRONG_TYPE",
                "input.result.2.z NUMBER_OUT_OF_RANGE",
                "input.leadTime OUT_OF_BOUNDS",
            ],
        ),
    ] {
        let answer = with_variable(&app, &id, input).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{input}");
        assert_eq!(answer.problems(), problems, "{input}");
    }
    let answer = with_variable(&app, &id, &deep).await;
    let problems = answer.problems();
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert!(problem.starts_with("input.result.0.x.0.0.0."), "{problem}");
    assert!(problem.ends_with(" TOO_DEEP"), "{problem}");
}

#[each_database]
async fn every_problem_of_a_literal_is_told_with_its_path(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for (input, problems) in [
        (
            "{result: [{x: 1e400}]}",
            vec!["input.result.0.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            "{result: [{x: [0, {y: -1e400}]}]}",
            vec!["input.result.0.x.1.y NUMBER_OUT_OF_RANGE"],
        ),
        (
            "{result: [{x: 18446744073709551616}]}",
            vec!["input.result.0.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            "{result: [{x: -9223372036854775809}]}",
            vec!["input.result.0.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            "{leadTime: 1e400}",
            vec!["input.leadTime NUMBER_OUT_OF_RANGE"],
        ),
        (
            "{taskId: 18446744073709551616}",
            vec!["input.taskId NUMBER_OUT_OF_RANGE"],
        ),
        ("{result: [{x: FOO}]}", vec!["input.result.0 WRONG_TYPE"]),
        ("{result: [FOO]}", vec!["input.result.0 WRONG_TYPE"]),
        ("{wasCancelled: FOO}", vec!["input.wasCancelled WRONG_TYPE"]),
        (
            "{result: [{x: 1e400}, 5, null], leadTime: \"1\", nope: 1}",
            vec![
                "input.result.0.x NUMBER_OUT_OF_RANGE",
                "input.result.1 WRONG_TYPE",
                "input.result.2 NULL_NOT_ALLOWED",
                "input.leadTime WRONG_TYPE",
                "input.nope UNKNOWN_FIELD",
            ],
        ),
        (
            "{result: [{id: 1, x: 1e400}, {id: null}], leadTime: -5}",
            vec![
                "input.result.0.id WRONG_TYPE",
                "input.result.0.x NUMBER_OUT_OF_RANGE",
                "input.result.1.id WRONG_TYPE",
                "input.leadTime OUT_OF_BOUNDS",
            ],
        ),
    ] {
        let answer = with_literal(&app, &id, input).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{input}");
        assert_eq!(answer.problems(), problems, "{input}");
    }
    let deep = |depth| {
        format!(
            "{{result: [{{x: {}{}}}]}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let answer = with_literal(&app, &id, &deep(150)).await;
    assert!(
        answer.problems()[0].ends_with(" TOO_DEEP"),
        "{}",
        answer.text
    );
    let answer = with_literal(&app, &id, &deep(200)).await;
    assert_eq!(answer.code(), "LIMIT_EXCEEDED");
    let answer = with_literal(&app, &id, r#"{result: [{x: "\uD800"}]}"#).await;
    assert_eq!(
        answer.json["errors"][0]["extensions"]["code"],
        "GRAPHQL_PARSE_FAILED"
    );
    assert_eq!(answer.json.get("data"), None);
    let answer = with_literal(&app, &id, "{leadTime: NaN}").await;
    assert_eq!(answer.problems(), ["input.leadTime WRONG_TYPE"]);
}

#[each_database]
async fn what_is_not_json_is_a_bad_request(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for input in [
        r#"{"leadTime":NaN}"#,
        r#"{"leadTime":Infinity}"#,
        r#"{"leadTime":-Infinity}"#,
        r#"{"result":[{"x":nan}]}"#,
        r#"{"result":[{"x":01}]}"#,
        r#"{"result":[{"x":1}]"#,
        r#"{"result":[{"x":1,}]}"#,
        r#"{"result":[{'x':1}]}"#,
    ] {
        let answer = with_variable(&app, &id, input).await;
        assert_eq!(answer.status, 400, "{input}");
        assert_eq!(answer.code(), "BAD_REQUEST", "{input}");
    }
}

#[each_database]
async fn a_problem_in_a_variable_within_a_literal_is_told_where_it_lands(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let query = "mutation($r: JSONObject!, $t: Float) { updateAnnotation(id: ID, input: { leadTime: $t, result: [{ a: 1 }, $r] }) { id } }"
            .replace("ID,", &format!("{id},"));
    for (variables, problems) in [
        (r#"{"r":5}"#, vec!["input.result.1 WRONG_TYPE"]),
        (
            r#"{"r":null,"t":"x"}"#,
            vec![
                "input.result.1 NULL_NOT_ALLOWED",
                "input.leadTime WRONG_TYPE",
            ],
        ),
        ("{}", vec!["input.result.1 REQUIRED"]),
        (
            r#"{"r":{"x":1e400}}"#,
            vec!["input.result.1.x NUMBER_OUT_OF_RANGE"],
        ),
        (
            r#"{"r":{"id":1},"t":-1}"#,
            vec![
                "input.result.1.id WRONG_TYPE",
                "input.leadTime OUT_OF_BOUNDS",
            ],
        ),
    ] {
        let body = format!(r#"{{"query":"{query}","variables":{variables}}}"#);
        let answer = unchanged(&app, body).await;
        assert_eq!(answer.problems(), problems, "{variables}");
    }
}

#[each_database]
async fn nesting_is_kept_down_to_its_limit(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let result = |depth: usize| format!(r#"[{{"x":{}{}}}]"#, "[".repeat(depth), "]".repeat(depth));
    let body = |depth| {
        let query = format!(
            "mutation($r: [JSONObject!]) {{ updateAnnotation(id: {id}, input: {{ result: $r }}) {{ result }} }}"
        );
        format!(
            r#"{{"query":"{query}","variables":{{"r":{}}}}}"#,
            result(depth)
        )
    };
    let mut depth = 60;
    while app
        .admin
        .post(body(depth + 1))
        .await
        .json
        .get("errors")
        .is_none()
    {
        depth += 1;
    }
    assert!(depth >= 100, "{depth}");
    assert_eq!(row(&app, &id).await.result, result(depth));
    let answer = unchanged(&app, body(depth + 1)).await;
    assert!(
        answer.problems()[0].ends_with(" TOO_DEEP"),
        "{}",
        answer.text
    );
}
