//! Absent differs from null, in literals and in variables.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::super::read;
use crate::support::{Client, TestApp};

/// Each field of the input, the type of a variable for it, and the field that shows it.
const FIELDS: [(&str, &str, &str); 9] = [
    ("result", "[JSONObject!]", "result"),
    ("taskId", "ID", "task"),
    ("projectId", "ID", "project"),
    ("completedById", "ID", "completedBy"),
    ("updatedById", "ID", "updatedBy"),
    ("wasCancelled", "Boolean", "wasCancelled"),
    ("groundTruth", "Boolean", "groundTruth"),
    ("leadTime", "Float", "leadTime"),
    ("expectedVersion", "Int", "version"),
];

/// An annotation with a value of its own in every field, last changed by Ann; its id.
async fn annotation(app: &TestApp) -> String {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Manager).await;
    let input =
        json!({ "completedById": "1", "wasCancelled": true, "groundTruth": true, "leadTime": 7.5 });
    app.annotation(&ann, &task, input).await
}

fn literal(id: &str, fields: &str) -> Value {
    json!({ "query": format!(
        "mutation {{ updateAnnotation(id: \"{id}\", input: {{ {fields} }}) {{ version }} }}"
    ) })
}

fn variable(id: &str, field: &str, ty: &str, more: &str, variables: &Value) -> Value {
    json!({
        "query": format!(
            "mutation($a: {ty}) {{
               updateAnnotation(id: \"{id}\", input: {{ {field}: $a {more} }}) {{ version }}
             }}"
        ),
        "variables": variables,
    })
}

/// The whole input is one variable, as generated clients send it.
fn whole(id: &str, input: &Value) -> Value {
    json!({
        "query": format!(
            "mutation($input: UpdateAnnotationInput!) {{
               updateAnnotation(id: \"{id}\", input: $input) {{ version }}
             }}"
        ),
        "variables": { "input": input },
    })
}

#[each_database]
async fn null_clears_the_lead_time(app: TestApp) {
    let id = annotation(&app).await;
    let bodies = [
        literal(&id, "leadTime: null"),
        variable(&id, "leadTime", "Float", "", &json!({ "a": null })),
        whole(&id, &json!({ "leadTime": null })),
    ];
    for body in bodies {
        app.admin
            .post(literal(&id, "leadTime: 7.5").to_string())
            .await
            .ok();
        let before = read(&app.admin, &id).await;
        let answer = app.admin.post(body.to_string()).await;
        let version = before["version"].as_i64().unwrap() + 1;
        assert_eq!(
            answer.data(),
            &json!({ "updateAnnotation": { "version": version } })
        );
        let after = read(&app.admin, &id).await;
        assert_eq!(after["leadTime"], Value::Null, "{body}");
        assert_eq!(after["result"], before["result"]);
    }
}

#[each_database]
async fn null_is_refused_for_every_other_field(app: TestApp) {
    let id = annotation(&app).await;
    let before = app.dump().await;
    for (field, ty, _) in FIELDS
        .into_iter()
        .filter(|(field, ..)| *field != "leadTime")
    {
        let bodies = [
            literal(&id, &format!("{field}: null")),
            variable(&id, field, ty, "", &json!({ "a": null })),
            whole(&id, &json!({ field: null })),
        ];
        for body in bodies {
            let answer = app.admin.post(body.to_string()).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body}");
            assert_eq!(
                answer.problems(),
                [format!("input.{field} NULL_NOT_ALLOWED")],
                "{body}"
            );
            assert_eq!(app.dump().await, before, "{body}");
        }
    }
    // All of them at once, and what else is wrong.
    let nulls = FIELDS.map(|(field, ..)| (field.to_owned(), Value::Null));
    let mut input = Value::Object(nulls.into_iter().collect());
    input["leadTime"] = json!(-1);
    let answer = app.admin.post(whole(&id, &input).to_string()).await;
    let mut problems = answer.problems();
    problems.sort_unstable();
    assert_eq!(
        problems,
        [
            "input.completedById NULL_NOT_ALLOWED",
            "input.expectedVersion NULL_NOT_ALLOWED",
            "input.groundTruth NULL_NOT_ALLOWED",
            "input.leadTime OUT_OF_BOUNDS",
            "input.projectId NULL_NOT_ALLOWED",
            "input.result NULL_NOT_ALLOWED",
            "input.taskId NULL_NOT_ALLOWED",
            "input.updatedById NULL_NOT_ALLOWED",
            "input.wasCancelled NULL_NOT_ALLOWED",
        ]
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn what_is_left_out_changes_nothing_by_itself(app: TestApp) {
    let id = annotation(&app).await;
    let before = app.dump().await;
    let shown = read(&app.admin, &id).await;
    let mut bodies = vec![literal(&id, ""), whole(&id, &json!({}))];
    bodies.extend(FIELDS.map(|(field, ty, _)| variable(&id, field, ty, "", &json!({}))));
    for body in bodies {
        app.admin.post(body.to_string()).await.ok();
        assert_eq!(app.dump().await, before, "{body}");
    }
    assert_eq!(read(&app.admin, &id).await, shown);
}

#[each_database]
async fn what_is_left_out_stays_while_other_fields_change(app: TestApp) {
    let id = annotation(&app).await;
    // Those that follow every change are no test of what is left out.
    let fields = FIELDS
        .into_iter()
        .filter(|(_, _, shown)| !matches!(*shown, "version" | "updatedBy"));
    for (turn, (field, ty, shown)) in fields.enumerate() {
        let (more, as_json) = if field == "result" {
            ("leadTime: 1".to_owned(), json!({ "leadTime": 2 }))
        } else {
            (
                format!("result: [{{ v: {turn} }}]"),
                json!({ "result": [{ "w": turn }] }),
            )
        };
        let before = read(&app.admin, &id).await;
        changed(
            &app.admin,
            &variable(&id, field, ty, &more, &json!({})),
            &before,
            1,
        )
        .await;
        let literally = more.replace("v:", "u:").replace("Time: 1", "Time: 3");
        changed(&app.admin, &literal(&id, &literally), &before, 2).await;
        changed(&app.admin, &whole(&id, &as_json), &before, 3).await;
        assert_eq!(read(&app.admin, &id).await[shown], before[shown], "{field}");
    }
}

async fn changed(by: &Client, body: &Value, before: &Value, changes: i64) {
    let answer = by.post(body.to_string()).await;
    let version = before["version"].as_i64().unwrap() + changes;
    assert_eq!(
        answer.data(),
        &json!({ "updateAnnotation": { "version": version } }),
        "{body}"
    );
}

#[each_database]
async fn a_variable_that_is_left_out_takes_its_default(app: TestApp) {
    let id = annotation(&app).await;
    let query = format!(
        "mutation($a: Float = 2.5) {{ updateAnnotation(id: \"{id}\", input: {{ leadTime: $a }}) {{ leadTime }} }}"
    );
    let answer = app.admin.run(&query).await;
    assert_eq!(
        answer.data(),
        &json!({ "updateAnnotation": { "leadTime": 2.5 } })
    );
    let answer = app.admin.run_with(&query, json!({ "a": null })).await;
    assert_eq!(
        answer.data(),
        &json!({ "updateAnnotation": { "leadTime": null } })
    );
}
