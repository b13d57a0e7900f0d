//! `expectedVersion` of tasks, predictions and projects: a stale write is refused with the current row.

use each_database::each_database;
use serde_json::{Value, json};

use super::prediction;
use crate::support::{Answer, Client, TestApp};

/// A mutation that `expectedVersion` guards.
pub struct Guarded {
    /// The name of the type, in lower case.
    pub of: &'static str,
    mutation: &'static str,
    input: &'static str,
    /// Two changes, and what they change.
    pub changes: [Value; 2],
    pub fields: Value,
}

/// All of them.
pub fn guarded() -> [Guarded; 3] {
    [
        Guarded {
            of: "task",
            mutation: "updateTask",
            input: "UpdateTaskInput",
            changes: [
                json!({ "data": { "text": "b" }, "overlap": 2 }),
                json!({ "data": { "text": "c" }, "overlap": 2 }),
            ],
            fields: json!(["data"]),
        },
        Guarded {
            of: "prediction",
            mutation: "updatePrediction",
            input: "UpdatePredictionInput",
            changes: [
                json!({ "result": [{ "id": "b" }], "score": 0.5 }),
                json!({ "result": [{ "id": "c" }], "score": null }),
            ],
            fields: json!(["result", "score"]),
        },
        Guarded {
            of: "project",
            mutation: "updateProject",
            input: "UpdateProjectInput",
            changes: [
                json!({ "title": "b", "description": "x" }),
                json!({ "title": "c" }),
            ],
            fields: json!(["title"]),
        },
    ]
}

impl Guarded {
    /// A row of it, which is row 1.
    pub async fn make(&self, app: &TestApp) {
        let (project, task) = app.project_with_task().await;
        prediction(app, &project, &task).await;
    }

    pub async fn update(&self, by: &Client, mut change: Value, expected: Option<Value>) -> Answer {
        if let Some(expected) = expected {
            change["expectedVersion"] = expected;
        }
        let query = format!(
            "mutation($input: {}!) {{ {}(id: 1, input: $input) {{ version }} }}",
            self.input, self.mutation
        );
        by.run_with(&query, json!({ "input": change })).await
    }

    pub async fn version(&self, by: &Client) -> i64 {
        let answer = by
            .run(&format!("{{ {}(id: 1) {{ version }} }}", self.of))
            .await;
        answer.data()[self.of]["version"].as_i64().unwrap()
    }
}

#[each_database]
async fn the_late_one_gets_what_there_is(app: TestApp) {
    for guarded in guarded() {
        let Guarded {
            of,
            changes: [first, second],
            fields,
            ..
        } = &guarded;
        guarded.make(&app).await;
        assert_eq!(guarded.version(&app.admin).await, 1, "{of}");
        guarded
            .update(&app.admin, first.clone(), Some(json!(1)))
            .await
            .ok();
        assert_eq!(guarded.version(&app.admin).await, 2, "{of}");
        let before = app.dump().await;
        for expected in [1, 0, 3, -1] {
            let late = guarded
                .update(&app.admin, second.clone(), Some(json!(expected)))
                .await;
            assert_eq!(late.code(), "CONFLICT", "{of}");
            assert_eq!(
                late.error()["message"],
                format!("the {of} is at version 2, not {expected}")
            );
            let extensions = &late.error()["extensions"];
            assert_eq!(extensions["currentVersion"], 2);
            assert_eq!(&extensions["clashingFields"], fields, "{of}");
            assert_eq!(extensions["clashingRegions"], json!([]));
            let current = &extensions["current"];
            assert_eq!(
                (&current["id"], &current["version"]),
                (&json!("1"), &json!(2))
            );
            for (field, value) in first.as_object().unwrap() {
                assert_eq!(&current[field], value, "{of}.{field}");
            }
            assert_eq!(app.dump().await, before, "{of}");
        }
        // The last one wins when nobody says what they saw.
        guarded.update(&app.admin, second.clone(), None).await.ok();
        assert_eq!(guarded.version(&app.admin).await, 3, "{of}");
    }
}

#[each_database]
async fn null_is_no_version_and_no_change_raises_none(app: TestApp) {
    for guarded in guarded() {
        let Guarded {
            of,
            changes: [first, _],
            ..
        } = &guarded;
        guarded.make(&app).await;
        guarded.update(&app.admin, first.clone(), None).await.ok();
        let before = app.dump().await;
        let null = guarded
            .update(&app.admin, first.clone(), Some(Value::Null))
            .await;
        assert_eq!(
            null.problems(),
            ["input.expectedVersion NULL_NOT_ALLOWED"],
            "{of}"
        );
        guarded
            .update(&app.admin, first.clone(), Some(json!(2)))
            .await
            .ok();
        guarded
            .update(&app.admin, json!({}), Some(json!(2)))
            .await
            .ok();
        // The version is compared even when the change would change nothing.
        let late = guarded
            .update(&app.admin, first.clone(), Some(json!(1)))
            .await;
        assert_eq!(late.code(), "CONFLICT", "{of}");
        assert_eq!(
            late.error()["extensions"]["clashingFields"],
            json!([]),
            "{of}"
        );
        assert_eq!(app.dump().await, before, "{of}");
    }
}

#[each_database]
async fn what_follows_from_other_changes_raises_no_version(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let predicted = prediction(&app, &project, &task).await;
    let annotation = app
        .annotation(
            &app.admin,
            &task,
            json!({ "parentPredictionId": predicted }),
        )
        .await;
    let other = app.task(&project).await;
    let moved = format!(
        "mutation {{ updateAnnotation(id: {annotation}, input: {{ taskId: {other} }}) {{ id }} }}"
    );
    app.admin.run(&moved).await.ok();
    let deleted = format!("mutation {{ deletePrediction(id: {predicted}) {{ id }} }}");
    prediction(&app, &project, &task).await;
    app.admin.run(&deleted).await.ok();
    let versions =
        "{ project(id: 1) { version } tasks { nodes { version } } prediction(id: 2) { version } }";
    assert_eq!(
        app.admin.run(versions).await.data(),
        &json!({ "project": { "version": 1 }, "tasks": { "nodes": [{ "version": 1 }, { "version": 1 }] }, "prediction": { "version": 1 } })
    );
}

#[each_database]
async fn refusals_come_in_their_order(app: TestApp) {
    use entity::project_member::Role;
    let (project, task) = app.project_with_task().await;
    prediction(&app, &project, &task).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let stranger = app.stranger("sue").await;
    let before = app.dump().await;
    for guarded in guarded() {
        let change = guarded.changes[0].clone();
        for (by, code) in [
            (&stranger, "NOT_FOUND"),
            (&ann, "FORBIDDEN"),
            (&app.admin, "CONFLICT"),
        ] {
            let answer = guarded.update(by, change.clone(), Some(json!(9))).await;
            assert_eq!(answer.code(), code, "{}", guarded.of);
        }
    }
    // CONFLICT comes before the problems of a result that does not fit the config.
    let config = json!({ "labelConfig": "<View><Text name='t' value='$text'/></View>" });
    let [_, _, of_project] = guarded();
    of_project.update(&app.admin, config, None).await.ok();
    let [_, of_prediction, _] = guarded();
    let unfit = json!({ "result": [{ "id": "a", "from_name": "nothing", "to_name": "t", "type": "choices", "value": {} }] });
    assert_eq!(
        of_prediction
            .update(&app.admin, unfit.clone(), Some(json!(9)))
            .await
            .code(),
        "CONFLICT"
    );
    assert_eq!(
        of_prediction
            .update(&app.admin, unfit, Some(json!(1)))
            .await
            .code(),
        "BAD_USER_INPUT"
    );
    assert_ne!(app.dump().await, before);
}
