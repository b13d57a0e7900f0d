//! `expectedVersion`: a stale write is refused with the changes since.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::super::{row, update};
use crate::support::TestApp;

#[each_database]
async fn the_late_one_gets_the_current_state(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let current = r#"{"result":[{"id":"r2","z":1.0,"a":18446744073709551615}],"leadTime":2}"#;
    let body = format!(
        r#"{{ "query": "mutation($input: UpdateAnnotationInput!) {{ updateAnnotation(id: {id}, input: $input) {{ id }} }}",
             "variables": {{ "input": {current} }} }}"#
    );
    app.admin.post(body).await.ok();
    update(&app.admin, &id, json!({ "wasCancelled": true }))
        .await
        .ok();
    let before = app.dump().await;

    let late = json!({
        "result": [], "wasCancelled": false, "groundTruth": true, "expectedVersion": 1,
    });
    let answer = update(&app.admin, &id, late).await;
    assert_eq!(answer.json["data"], json!({ "updateAnnotation": null }));
    insta::allow_duplicates! { insta::assert_json_snapshot!(
            answer.error(),
            { ".locations" => "[locations]", ".extensions.current.updatedAt" => "[time]" },
            @r#"
    {
      "message": "the annotation is at version 3, not 1",
      "locations": "[locations]",
      "path": [
        "updateAnnotation"
      ],
      "extensions": {
        "clashingFields": [
          "result",
          "wasCancelled"
        ],
        "clashingRegions": [],
        "code": "CONFLICT",
        "current": {
          "id": "1",
          "version": 3,
          "taskId": "1",
          "projectId": "1",
          "result": [
            {
              "id": "r2",
              "z": 1.0,
              "a": 18446744073709551615
            }
          ],
          "completedById": "2",
          "updatedById": "1",
          "wasCancelled": true,
          "groundTruth": false,
          "leadTime": 2.0,
          "lastAction": "SKIPPED",
          "updatedAt": "[time]"
        },
        "currentVersion": 3
      }
    }
    "#) }
    // As it is stored, and not as some parser made it.
    let stored = row(&app, &id).await.result;
    assert!(
        answer.text.contains(&format!(r#""result":{stored}"#)),
        "{}",
        answer.text
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn only_fields_of_the_refused_change_clash(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    update(&app.admin, &id, json!({ "leadTime": 1 })).await.ok();
    let moved = json!({ "taskId": other, "completedById": ann.user_id });
    update(&app.admin, &id, moved).await.ok();
    let before = app.dump().await;
    for (input, clashing) in [
        (json!({ "result": [], "expectedVersion": 1 }), json!([])),
        (
            json!({ "leadTime": 5, "expectedVersion": 1 }),
            json!(["leadTime"]),
        ),
        (json!({ "leadTime": 5, "expectedVersion": 2 }), json!([])),
        (
            json!({ "leadTime": null, "taskId": task, "completedById": "1", "expectedVersion": 1 }),
            json!(["completedBy", "leadTime", "task"]),
        ),
        (json!({ "leadTime": 5, "expectedVersion": 4 }), json!([])),
        (
            json!({ "leadTime": 5, "expectedVersion": -1 }),
            json!(["leadTime"]),
        ),
    ] {
        let answer = update(&app.admin, &id, input.clone()).await;
        assert_eq!(answer.code(), "CONFLICT", "{input}");
        let extensions = &answer.error()["extensions"];
        assert_eq!(extensions["clashingFields"], clashing, "{input}");
        assert_eq!(extensions["currentVersion"], 3, "{input}");
        assert_eq!(app.dump().await, before, "{input}");
    }
    update(
        &app.admin,
        &id,
        json!({ "leadTime": 5, "expectedVersion": 3 }),
    )
    .await
    .ok();
}

/// Input problems, NOT_FOUND, FORBIDDEN, CONFLICT, then what needs the row.
#[each_database]
async fn refusals_come_in_their_order(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let stranger = app.stranger("sue").await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let wrong = json!({ "leadTime": -1, "completedById": "99", "expectedVersion": 9 });
    for who in [&stranger, &ann, &app.admin] {
        let answer = update(who, &id, wrong.clone()).await;
        assert_eq!(answer.problems(), ["input.leadTime OUT_OF_BOUNDS"]);
    }
    let unknown = json!({ "completedById": "99", "expectedVersion": 9 });
    assert_eq!(
        update(&stranger, &id, unknown.clone()).await.code(),
        "NOT_FOUND"
    );
    assert_eq!(
        update(&app.admin, "99", unknown.clone()).await.code(),
        "NOT_FOUND"
    );
    assert_eq!(update(&ann, &id, unknown.clone()).await.code(), "FORBIDDEN");
    assert_eq!(update(&app.admin, &id, unknown).await.code(), "CONFLICT");
    let answer = update(
        &app.admin,
        &id,
        json!({ "completedById": "99", "expectedVersion": 1 }),
    )
    .await;
    assert_eq!(answer.problems(), ["input.completedById UNKNOWN_ID"]);
    assert_eq!(app.dump().await, before);
}
