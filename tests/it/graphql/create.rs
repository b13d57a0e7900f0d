//! `createAnnotation`: empty, from a prediction, and from an annotation.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::{counters, create, prediction, read, revisions, row, update};
use crate::support::TestApp;

#[each_database]
async fn an_annotation_begins_as_it_was_sent(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let answer = create(
        &ann,
        &task,
        json!({
            "result": [{ "id": "r1", "value": { "x": 1.0 } }],
            "leadTime": 3,
            "uniqueId": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        }),
    )
    .await;
    insta::allow_duplicates! { insta::assert_json_snapshot!(
        answer.data(),
        { ".createAnnotation.createdAt" => "[time]", ".createAnnotation.updatedAt" => "[time]" },
        @r#"
    {
      "createAnnotation": {
        "id": "1",
        "task": {
          "id": "1"
        },
        "project": {
          "id": "1"
        },
        "result": [
          {
            "id": "r1",
            "value": {
              "x": 1.0
            }
          }
        ],
        "regionCount": 1,
        "completedBy": {
          "id": "2"
        },
        "createdUsername": "ann",
        "draftCreatedAt": null,
        "updatedBy": {
          "id": "2"
        },
        "lastCreatedBy": {
          "id": "2"
        },
        "lastAction": "SUBMITTED",
        "wasCancelled": false,
        "groundTruth": false,
        "leadTime": 3.0,
        "importId": null,
        "parentPrediction": null,
        "parentAnnotation": null,
        "version": 1,
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
            }
          ]
        },
        "uniqueId": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "createdAt": "[time]",
        "updatedAt": "[time]"
      }
    }
    "#
    ) }
    assert_eq!(counters(&ann, &task).await, json!([true, 1, 0]));
    let revision = revisions(&app, "1").await.pop().unwrap();
    assert_eq!(revision.result, Some(row(&app, "1").await.result));
}

#[each_database]
async fn the_last_action_tells_how_it_began(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let prediction = prediction(&app, &project, &task).await;
    let parent = app.annotation(&app.admin, &task, json!({})).await;
    for (input, action) in [
        (json!({ "result": [] }), "SUBMITTED"),
        (
            json!({ "result": [], "parentPredictionId": prediction }),
            "PREDICTION",
        ),
        (
            json!({ "result": [], "parentAnnotationId": parent }),
            "PROPAGATED_ANNOTATION",
        ),
        (
            json!({ "result": [], "parentPredictionId": prediction, "wasCancelled": true }),
            "SKIPPED",
        ),
    ] {
        let answer = create(&ann, &task, input.clone()).await;
        let new = &answer.data()["createAnnotation"];
        assert_eq!(new["lastAction"], action, "{input}");
        assert_eq!(new["history"]["nodes"][0]["action"], action);
        assert_eq!(new["parentPrediction"]["id"], input["parentPredictionId"]);
        assert_eq!(new["parentAnnotation"]["id"], input["parentAnnotationId"]);
        assert_eq!(
            &read(&ann, new["id"].as_str().unwrap()).await["lastAction"],
            action
        );
    }
    assert_eq!(counters(&ann, &task).await, json!([true, 4, 1]));
}

#[each_database]
async fn null_and_nothing_both_take_the_default(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for input in [
        json!({ "result": [] }),
        json!({
            "result": [], "completedById": null, "wasCancelled": null, "groundTruth": null,
            "leadTime": null, "uniqueId": null, "parentPredictionId": null, "parentAnnotationId": null,
        }),
    ] {
        let answer = create(&app.admin, &task, input).await;
        let new = &answer.data()["createAnnotation"];
        assert_eq!(new["completedBy"]["id"], app.admin.user_id);
        assert_eq!(
            json!([
                new["wasCancelled"],
                new["groundTruth"],
                new["leadTime"],
                new["lastAction"]
            ]),
            json!([false, false, null, "SUBMITTED"])
        );
    }
}

#[each_database]
async fn a_manager_creates_for_somebody_else(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let manager = app.member(&project, "max", Role::Manager).await;
    let answer = create(
        &manager,
        &task,
        json!({ "result": [], "completedById": ann.user_id }),
    )
    .await;
    let new = &answer.data()["createAnnotation"];
    assert_eq!(new["completedBy"]["id"], ann.user_id);
    assert_eq!(new["updatedBy"]["id"], manager.user_id);
    assert_eq!(new["lastCreatedBy"]["id"], manager.user_id);
}

#[each_database]
async fn a_new_ground_truth_takes_the_place_of_the_old_one(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let old = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let new = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    assert_eq!(read(&app.admin, &new).await["groundTruth"], true);
    let lost = read(&app.admin, &old).await;
    assert_eq!(
        (&lost["groundTruth"], &lost["version"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(
        lost["history"]["nodes"][1]["changedFields"],
        json!(["groundTruth"])
    );
}

#[each_database]
async fn all_that_is_wrong_is_told_at_once_and_nothing_is_created(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let elsewhere = app.task(&project).await;
    let far_prediction = prediction(&app, &project, &elsewhere).await;
    let far = app.annotation(&app.admin, &elsewhere, json!({})).await;
    let taken = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let taken = row(&app, &taken).await.unique_id.to_string();
    let before = app.dump().await;
    for (input, problems) in [
        (json!({}), vec!["input.result REQUIRED"]),
        (
            json!({ "result": null }),
            vec!["input.result NULL_NOT_ALLOWED"],
        ),
        (
            json!({ "result": [1, null], "leadTime": "x", "nope": 1, "uniqueId": "6ba7b8109dad11d180b400c04fd430c8" }),
            vec![
                "input.result.0 WRONG_TYPE",
                "input.result.1 NULL_NOT_ALLOWED",
                "input.leadTime WRONG_TYPE",
                "input.nope UNKNOWN_FIELD",
                "input.uniqueId WRONG_TYPE",
            ],
        ),
        (
            json!({ "result": [{ "id": 1 }], "leadTime": -1, "completedById": "99" }),
            vec![
                "input.result.0.id WRONG_TYPE",
                "input.leadTime OUT_OF_BOUNDS",
            ],
        ),
        (
            json!({
                "result": [], "groundTruth": true, "uniqueId": taken, "completedById": "99",
                "parentPredictionId": far_prediction, "parentAnnotationId": far,
            }),
            vec![
                "input.completedById UNKNOWN_ID",
                "input.parentPredictionId TASK_MISMATCH",
                "input.parentAnnotationId TASK_MISMATCH",
                "input.uniqueId ALREADY_TAKEN",
            ],
        ),
        (
            json!({ "result": [], "parentPredictionId": "99", "parentAnnotationId": "abc" }),
            vec![
                "input.parentPredictionId UNKNOWN_ID",
                "input.parentAnnotationId UNKNOWN_ID",
            ],
        ),
    ] {
        let answer = create(&app.admin, &task, input.clone()).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{input}");
        assert_eq!(answer.problems(), problems, "{input}");
        assert_eq!(app.dump().await, before, "{input}");
    }
    for nowhere in ["99", "abc", "0", "-1", "99999999999999999999"] {
        let answer = create(&app.admin, nowhere, json!({ "result": [] })).await;
        assert_eq!(answer.code(), "NOT_FOUND", "{nowhere}");
        assert_eq!(app.dump().await, before);
    }
}

#[each_database]
async fn a_parent_that_moved_away_is_a_parent_still(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let parent = app.annotation(&app.admin, &task, json!({})).await;
    let child = app
        .annotation(&app.admin, &task, json!({ "parentAnnotationId": parent }))
        .await;
    update(&app.admin, &parent, json!({ "taskId": other }))
        .await
        .ok();
    assert_eq!(
        read(&app.admin, &child).await["parentAnnotation"]["id"],
        parent
    );
}
