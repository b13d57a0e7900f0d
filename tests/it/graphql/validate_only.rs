//! `validateOnly`: all checks and the resulting annotation, without a write.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use crate::support::TestApp;

const CREATE: &str = "mutation($task: ID!, $input: CreateAnnotationInput!, $only: Boolean!) {
  createAnnotation(taskId: $task, input: $input, validateOnly: $only) {
    id result regionCount version leadTime lastAction completedBy { id } task { totalAnnotations }
    history { totalCount nodes { version } }
  }
}";
const UPDATE: &str = "mutation($id: ID!, $input: UpdateAnnotationInput!, $only: Boolean!) {
  updateAnnotation(id: $id, input: $input, validateOnly: $only) {
    id result regionCount version leadTime lastAction groundTruth history { totalCount }
  }
}";

#[each_database]
async fn a_new_annotation_is_shown_and_not_written(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let input = json!({ "result": [{ "id": "r1" }], "leadTime": 2, "groundTruth": true });
    let before = app.dump().await;
    let variables = json!({ "task": task, "input": input, "only": true });
    let answer = app.admin.run_with(CREATE, variables).await;
    assert_eq!(
        answer.data()["createAnnotation"],
        json!({
            "id": "0", "result": [{ "id": "r1" }], "regionCount": 1, "version": 1,
            "leadTime": 2.0, "lastAction": "SUBMITTED", "completedBy": { "id": "1" },
            "task": { "totalAnnotations": 0 }, "history": { "totalCount": 0, "nodes": [] },
        })
    );
    assert_eq!(app.dump().await, before);
    // It did not even take an id.
    let id = app.annotation(&app.admin, &task, json!({})).await;
    assert_eq!(id, "1");
}

#[each_database]
async fn a_change_is_shown_and_not_written(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let input = json!({
        "regions": { "upsert": [{ "id": "r2" }] }, "groundTruth": true, "leadTime": 2,
        "expectedVersion": 1,
    });
    let before = app.dump().await;
    let variables = json!({ "id": id, "input": input, "only": true });
    let answer = app.admin.run_with(UPDATE, variables).await;
    assert_eq!(
        answer.data()["updateAnnotation"],
        json!({
            "id": id, "result": [{ "id": "r1", "value": { "x": 1 } }, { "id": "r2" }],
            "regionCount": 2, "version": 2, "leadTime": 2.0, "lastAction": "UPDATED",
            "groundTruth": true, "history": { "totalCount": 1 },
        })
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn every_refusal_is_the_same(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for (input, admin, member) in [
        (
            json!({ "leadTime": -1 }),
            "BAD_USER_INPUT",
            "BAD_USER_INPUT",
        ),
        (json!({ "expectedVersion": 7 }), "CONFLICT", "FORBIDDEN"),
        (json!({ "taskId": "999" }), "BAD_USER_INPUT", "FORBIDDEN"),
    ] {
        for (client, code) in [(&app.admin, admin), (&ann, member)] {
            for only in [true, false] {
                let variables = json!({ "id": id, "input": input, "only": only });
                let answer = client.run_with(UPDATE, variables).await;
                assert_eq!(answer.code(), code, "{input} {only}");
            }
        }
    }
    let input = json!({ "result": [], "parentAnnotationId": "999" });
    let variables = json!({ "task": task, "input": input, "only": true });
    let answer = ann.run_with(CREATE, variables).await;
    assert_eq!(answer.problems(), ["input.parentAnnotationId UNKNOWN_ID"]);
}
