//! `updateAnnotation`: every field, the whole response, and the effects on other rows.

mod absent_and_null;
mod bad_input;
mod bad_json;
mod conflict;
mod counters;
mod fidelity;
mod ground_truth;
mod merge;
mod moving;
mod regions;
mod several_root_fields;

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::{read, revisions, row, update};
use crate::support::TestApp;

#[each_database]
async fn all_fields_change_at_once_in_one_revision(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let bob = app.member(&project, "bob", Role::Annotator).await;
    let other_project = app
        .admin
        .run(r#"mutation { createProject(input: { title: "Boats" }) { id } }"#)
        .await;
    let other_project = other_project.data()["createProject"]["id"]
        .as_str()
        .unwrap();
    let other_task = app.task(other_project).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let before = row(&app, &id).await;
    let answer = update(
        &app.admin,
        &id,
        json!({
            "result": [{ "id": "r2" }, { "id": "r3", "value": { "x": 2.5 } }],
            "taskId": other_task,
            "projectId": other_project,
            "completedById": bob.user_id,
            "updatedById": bob.user_id,
            "wasCancelled": true,
            "groundTruth": true,
            "leadTime": 12.25,
            "expectedVersion": 1,
        }),
    )
    .await;
    insta::allow_duplicates! { insta::assert_json_snapshot!(
            answer.data(), { ".updateAnnotation.updatedAt" => "[time]" }, @r#"
    {
      "updateAnnotation": {
        "id": "1",
        "task": {
          "id": "2"
        },
        "project": {
          "id": "2"
        },
        "result": [
          {
            "id": "r2"
          },
          {
            "id": "r3",
            "value": {
              "x": 2.5
            }
          }
        ],
        "regionCount": 2,
        "completedBy": {
          "id": "3"
        },
        "createdUsername": "bob",
        "draftCreatedAt": null,
        "updatedBy": {
          "id": "3"
        },
        "lastCreatedBy": {
          "id": "1"
        },
        "lastAction": "SKIPPED",
        "wasCancelled": true,
        "groundTruth": true,
        "leadTime": 12.25,
        "importId": null,
        "parentPrediction": null,
        "parentAnnotation": null,
        "version": 2,
        "viewerCanUpdate": true,
        "history": {
          "nodes": [
            {
              "version": 1,
              "action": "SUBMITTED",
              "actor": {
                "id": "2"
              },
              "changedFields": [
                "completedBy",
                "groundTruth",
                "leadTime",
                "project",
                "result",
                "task",
                "wasCancelled"
              ]
            },
            {
              "version": 2,
              "action": "SKIPPED",
              "actor": {
                "id": "1"
              },
              "changedFields": [
                "completedBy",
                "groundTruth",
                "leadTime",
                "project",
                "result",
                "task",
                "updatedBy",
                "wasCancelled"
              ]
            }
          ]
        },
        "updatedAt": "[time]"
      }
    }
    "#) }
    assert_eq!(
        read(&app.admin, &id).await,
        answer.data()["updateAnnotation"]
    );

    let after = row(&app, &id).await;
    assert!(after.updated_at > before.updated_at);
    assert_eq!(after.unique_id, before.unique_id);
    assert_eq!(after.created_at, before.created_at);
    let revision = revisions(&app, &id).await.pop().unwrap();
    assert_eq!(revision.result.as_deref(), Some(after.result.as_str()));
    assert_eq!(revision.created_at, after.updated_at);
    assert_eq!(
        (revision.task_id, revision.project_id),
        (after.task_id, after.project_id)
    );
    assert_eq!(revision.updated_by_id, after.updated_by_id);
}

#[each_database]
async fn each_field_changes_alone_and_is_named_in_the_history(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other_task = app.task(&project).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let ann_id = json!({ "id": ann.user_id });
    let steps = [
        (
            "result",
            "result",
            json!([{ "id": "x" }]),
            json!([{ "id": "x" }]),
        ),
        (
            "taskId",
            "task",
            json!(other_task),
            json!({ "id": other_task }),
        ),
        (
            "completedById",
            "completedBy",
            json!(ann.user_id),
            ann_id.clone(),
        ),
        ("updatedById", "updatedBy", json!(ann.user_id), ann_id),
        ("wasCancelled", "wasCancelled", json!(true), json!(true)),
        ("groundTruth", "groundTruth", json!(true), json!(true)),
        ("leadTime", "leadTime", json!(3), json!(3.0)),
    ];
    for (step, (sent, name, value, shown)) in steps.into_iter().enumerate() {
        let before = read(&app.admin, &id).await;
        let answer = update(&app.admin, &id, json!({ sent: value })).await;
        let after = &answer.data()["updateAnnotation"];
        assert_eq!(after[name], shown, "{sent}");
        assert_eq!(after["version"], step + 2);
        let newest = after["history"]["nodes"]
            .as_array()
            .unwrap()
            .last()
            .unwrap();
        assert_eq!(newest["changedFields"], json!([name]));
        let action = if sent == "wasCancelled" {
            "SKIPPED"
        } else {
            "UPDATED"
        };
        assert_eq!(newest["action"], action);
        assert_eq!(after["lastAction"], action);
        let follow = [
            name,
            "version",
            "history",
            "updatedAt",
            "updatedBy",
            "lastAction",
            "regionCount",
            "createdUsername",
        ];
        for (field, value) in before.as_object().unwrap() {
            if !follow.contains(&field.as_str()) {
                assert_eq!(&after[field], value, "{field} after {sent}");
            }
        }
    }
}

#[each_database]
async fn the_bookkeeping_follows_whoever_made_the_change(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let rita = app.member(&project, "rita", Role::Reviewer).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let answer = update(&rita, &id, json!({ "leadTime": 1 })).await;
    let after = &answer.data()["updateAnnotation"];
    assert_eq!(after["updatedBy"]["id"], rita.user_id);
    assert_eq!(after["lastCreatedBy"]["id"], rita.user_id);
    assert_eq!(after["completedBy"]["id"], ann.user_id);

    // Whoever stands as the updater is not who made the history.
    let answer = update(&app.admin, &id, json!({ "updatedById": ann.user_id })).await;
    let after = &answer.data()["updateAnnotation"];
    assert_eq!(after["updatedBy"]["id"], ann.user_id);
    assert_eq!(after["lastCreatedBy"]["id"], app.admin.user_id);
    assert_eq!(
        after["history"]["nodes"][2]["actor"]["id"],
        app.admin.user_id
    );

    // The next change makes its author the updater again, unless it names the one who is.
    let stays = json!({ "leadTime": 2, "updatedById": ann.user_id });
    let answer = update(&app.admin, &id, stays).await;
    let after = &answer.data()["updateAnnotation"];
    assert_eq!(after["updatedBy"]["id"], ann.user_id);
    assert_eq!(
        after["history"]["nodes"][3]["changedFields"],
        json!(["leadTime"])
    );
    let answer = update(&rita, &id, json!({ "leadTime": 3 })).await;
    assert_eq!(
        answer.data()["updateAnnotation"]["updatedBy"]["id"],
        rita.user_id
    );

    let task_of = app
        .admin
        .run_with(
            "query($id: ID!) { task(id: $id) { updatedAt updatedBy { id } } }",
            json!({ "id": task }),
        )
        .await;
    let updated_at = &answer.data()["updateAnnotation"]["updatedAt"];
    assert_eq!(&task_of.data()["task"]["updatedAt"], updated_at);
    assert_eq!(task_of.data()["task"]["updatedBy"]["id"], rita.user_id);
}

#[each_database]
async fn a_change_that_changes_nothing_leaves_no_trace(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let result = json!([{ "id": "r", "b": 1.0, "a": [10.50, "é"] }]);
    let id = app
        .annotation(
            &app.admin,
            &task,
            json!({ "result": result, "leadTime": 4 }),
        )
        .await;
    let other = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let before = app.dump().await;
    let shown = read(&app.admin, &id).await;
    for input in [
        json!({}),
        json!({ "expectedVersion": 1 }),
        json!({ "result": result }),
        json!({
            "result": result, "taskId": task, "projectId": project,
            "completedById": app.admin.user_id, "updatedById": app.admin.user_id,
            "wasCancelled": false, "groundTruth": false, "leadTime": 4.0, "expectedVersion": 1,
        }),
    ] {
        let answer = update(&app.admin, &id, input.clone()).await;
        assert_eq!(answer.data()["updateAnnotation"], shown, "{input}");
        assert_eq!(app.dump().await, before, "{input}");
    }
    update(
        &app.admin,
        &other,
        json!({ "groundTruth": true, "leadTime": null }),
    )
    .await
    .ok();
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_change_that_changes_nothing_is_checked_all_the_same(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let stranger = app.stranger("sue").await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    assert_eq!(update(&stranger, &id, json!({})).await.code(), "NOT_FOUND");
    assert_eq!(update(&ann, &id, json!({})).await.code(), "FORBIDDEN");
    assert_eq!(
        update(&ann, &id, json!({ "wasCancelled": false }))
            .await
            .code(),
        "FORBIDDEN"
    );
    let late = update(&app.admin, &id, json!({ "expectedVersion": 2 })).await;
    assert_eq!(late.code(), "CONFLICT");
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_result_in_another_key_order_is_a_change(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "result": [{ "a": 1, "b": 2 }] }))
        .await;
    let answer = update(&app.admin, &id, json!({ "result": [{ "b": 2, "a": 1 }] })).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 2);
    assert!(
        answer.text.contains(r#""result":[{"b":2,"a":1}]"#),
        "{}",
        answer.text
    );
    assert_eq!(row(&app, &id).await.result, r#"[{"b":2,"a":1}]"#);
    assert_eq!(
        revisions(&app, &id).await[1].result.as_deref(),
        Some(r#"[{"b":2,"a":1}]"#)
    );
    // Only the order of keys decides: the numbers `1` and `1.0` differ too.
    let answer = update(&app.admin, &id, json!({ "result": [{ "b": 2.0, "a": 1 }] })).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 3);
}

#[each_database]
async fn minus_zero_is_no_other_lead_time_than_zero(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "leadTime": 0 }))
        .await;
    let answer = update(&app.admin, &id, json!({ "leadTime": -0.0 })).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 1);
    let other = app
        .annotation(&app.admin, &task, json!({ "leadTime": -0.0 }))
        .await;
    let shown = read(&app.admin, &other).await;
    assert_eq!(shown["leadTime"].to_string(), "0.0");
    let answer = update(&app.admin, &other, json!({ "leadTime": 0 })).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 1);
}
