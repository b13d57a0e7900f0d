//! JSON fidelity: key order, numbers and texts return as sent.

use each_database::each_database;
use serde_json::json;

use super::super::{revisions, row};
use crate::support::{Answer, Client, TestApp};

/// What is sent as a variable, and what is stored and answered.
const VALUES: [(&str, &str); 16] = [
    ("[]", "[]"),
    ("[{}]", "[{}]"),
    (
        r#"[{"b":1,"a":2,"1":3,"":4}]"#,
        r#"[{"b":1,"a":2,"1":3,"":4}]"#,
    ),
    // Of a repeated key the last value wins, in the first one's place.
    (r#"[{"a":1,"b":2,"a":3}]"#, r#"[{"a":3,"b":2}]"#),
    (
        r#"[{"x":{"a":1,"b":2,"a":{"c":3}}}]"#,
        r#"[{"x":{"a":{"c":3},"b":2}}]"#,
    ),
    (
        r#"[{"x":[1.0,-0.0,1e2,10.50,1,-0,0.1,1E+25,5e-324]}]"#,
        r#"[{"x":[1.0,-0.0,100.0,10.5,1,-0.0,0.1,1e+25,5e-324]}]"#,
    ),
    (
        r#"[{"x":[9007199254740993,18446744073709551615,-9223372036854775808]}]"#,
        r#"[{"x":[9007199254740993,18446744073709551615,-9223372036854775808]}]"#,
    ),
    (
        r#"[{"x":[0.30000000000000004,1.7976931348623157e308]}]"#,
        r#"[{"x":[0.30000000000000004,1.7976931348623157e+308]}]"#,
    ),
    (r#"[{"x":"Zoë 東京 😀"}]"#, r#"[{"x":"Zoë 東京 😀"}]"#),
    (r#"[{"x":"\u0041\ud83d\ude00\/"}]"#, r#"[{"x":"A😀/"}]"#),
    (
        r#"[{"x":"a\u0000b","\u0000":1}]"#,
        r#"[{"x":"a\u0000b","\u0000":1}]"#,
    ),
    (
        r#"[{"x":"\" \\ \n \t \u001f \u007f \u2028"}]"#,
        "[{\"x\":\"\\\" \\\\ \\n \\t \\u001f \u{7f} \u{2028}\"}]",
    ),
    (
        r#"[{"x":null,"y":true,"z":false,"e":[],"o":{}}]"#,
        r#"[{"x":null,"y":true,"z":false,"e":[],"o":{}}]"#,
    ),
    (r#"[ { "x" : [ 1 , 2 ] } ]"#, r#"[{"x":[1,2]}]"#),
    (
        r#"[{"id":"r","value":{"id":5}},{"id":"r"}]"#,
        r#"[{"id":"r","value":{"id":5}},{"id":"r"}]"#,
    ),
    (
        r#"[{"$":1,"$serde":2,"__typename":"x","$serde_json":3}]"#,
        r#"[{"$":1,"$serde":2,"__typename":"x","$serde_json":3}]"#,
    ),
];

async fn send(by: &Client, id: &str, result: &str) -> Answer {
    let query = "mutation($id: ID!, $result: [JSONObject!]) { updateAnnotation(id: $id, input: { result: $result }) { result } }";
    by.post(format!(
        r#"{{"query":"{query}","variables":{{"id":"{id}","result":{result}}}}}"#
    ))
    .await
    .ok()
}

#[each_database]
async fn variables_come_back_as_they_were_sent(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "result": [{ "first": 1 }] }))
        .await;
    for (sent, kept) in VALUES {
        let answer = send(&app.admin, &id, sent).await;
        let expected = format!(r#"{{"data":{{"updateAnnotation":{{"result":{kept}}}}}}}"#);
        assert_eq!(answer.text, expected, "{sent}");
        assert_eq!(row(&app, &id).await.result, kept, "{sent}");
        let newest = revisions(&app, &id).await.pop().unwrap();
        assert_eq!(newest.result.as_deref(), Some(kept), "{sent}");
        let query =
            format!("{{ annotation(id: {id}) {{ result }} annotations {{ nodes {{ result }} }} }}");
        let answer = app.admin.run(&query).await.ok();
        let expected = format!(
            r#"{{"data":{{"annotation":{{"result":{kept}}},"annotations":{{"nodes":[{{"result":{kept}}}]}}}}}}"#
        );
        assert_eq!(answer.text, expected, "{sent}");
        // What came out goes in as no change.
        let before = app.dump().await;
        send(&app.admin, &id, kept).await;
        send(&app.admin, &id, sent).await;
        assert_eq!(app.dump().await, before, "{sent}");
    }
}

#[each_database]
async fn literals_come_back_as_they_were_sent(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "result": [{ "first": 1 }] }))
        .await;
    for (sent, kept) in [
        ("[]", "[]"),
        ("[{b: 1, a: 2}, {}]", r#"[{"b":1,"a":2},{}]"#),
        ("{one: 1}", r#"[{"one":1}]"#),
        (
            "[{x: [1.0, -0.0, 1e2, 10.50, 1, 0.1, 1E+25]}]",
            r#"[{"x":[1.0,-0.0,100.0,10.5,1,0.1,1e+25]}]"#,
        ),
        (
            "[{x: [9007199254740993, 18446744073709551615, -9223372036854775808]}]",
            r#"[{"x":[9007199254740993,18446744073709551615,-9223372036854775808]}]"#,
        ),
        (
            r#"[{x: "Zoë \u0000 \" \\ \n 😀", y: null, z: true}]"#,
            r#"[{"x":"Zoë \u0000 \" \\ \n 😀","y":null,"z":true}]"#,
        ),
        (
            "[{x: \"\"\"\n  block \"text\"\n\"\"\"}]",
            r#"[{"x":"block \"text\""}]"#,
        ),
    ] {
        let query = format!(
            "mutation {{ updateAnnotation(id: {id}, input: {{ result: {sent} }}) {{ result }} }}"
        );
        let answer = app.admin.run(&query).await.ok();
        let expected = format!(r#"{{"data":{{"updateAnnotation":{{"result":{kept}}}}}}}"#);
        assert_eq!(answer.text, expected, "{sent}");
        assert_eq!(row(&app, &id).await.result, kept, "{sent}");
    }
}

#[each_database]
async fn literals_take_variables_in_their_midst(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let query = "mutation($id: ID!, $region: JSONObject!, $label: JSONObject) {
        updateAnnotation(id: $id, input: { result: [{ a: 1 }, $region, { b: $label }] }) { result }
    }";
    let variables = json!({ "id": id, "region": { "id": "r", "v": 1.0 }, "label": { "c": 2 } });
    let answer = app.admin.run_with(query, variables).await;
    let result = json!([{ "a": 1 }, { "id": "r", "v": 1.0 }, { "b": { "c": 2 } }]);
    assert_eq!(
        answer.data(),
        &json!({ "updateAnnotation": { "result": result } })
    );
}
