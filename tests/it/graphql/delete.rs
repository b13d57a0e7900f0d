//! `deleteAnnotation`: the row is deleted, the history stays.

use each_database::each_database;
use entity::{annotation_draft, annotation_revision::Event};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{counters, delete, draft, read, revisions, row, update};
use crate::support::TestApp;

#[each_database]
async fn what_is_left_is_a_tombstone_at_the_end_of_the_history(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "wasCancelled": true }))
        .await;
    app.annotation(&app.admin, &task, json!({})).await;
    update(&app.admin, &id, json!({ "leadTime": 1 })).await.ok();
    let was = row(&app, &id).await;
    let answer = delete(&app.admin, &id).await;
    assert_eq!(
        answer.data(),
        &json!({ "deleteAnnotation": {
                "id": id, "uniqueId": was.unique_id.to_string(), "version": 3, "taskId": task,
            } })
    );
    assert_eq!(read(&app.admin, &id).await, Value::Null);
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 0]));
    let history = revisions(&app, &id).await;
    let events: Vec<_> = history
        .iter()
        .map(|revision| (revision.version, revision.event))
        .collect();
    assert_eq!(
        events,
        [
            (1, Event::Created),
            (2, Event::Updated),
            (3, Event::Deleted)
        ]
    );
    assert_eq!(
        (history[2].changes.as_str(), &history[2].result),
        ("{}", &None)
    );
    assert_eq!(history[2].actor_id, Some(1));

    let before = app.dump().await;
    assert_eq!(delete(&app.admin, &id).await.code(), "NOT_FOUND");
    assert_eq!(update(&app.admin, &id, json!({})).await.code(), "NOT_FOUND");
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn its_drafts_go_and_its_children_lose_their_parent(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let child = app
        .annotation(&app.admin, &task, json!({ "parentAnnotationId": id }))
        .await;
    draft(&app, &app.admin, &task, Some(&id)).await;
    let of_child = draft(&app, &app.admin, &task, Some(&child)).await;
    let of_task = draft(&app, &app.admin, &task, None).await;
    delete(&app.admin, &id).await.ok();
    let left = annotation_draft::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    let left: Vec<_> = left.iter().map(|draft| draft.id.to_string()).collect();
    assert_eq!(left, [of_child, of_task]);
    let child = read(&app.admin, &child).await;
    assert_eq!(child["parentAnnotation"], Value::Null);
    assert_eq!(child["lastAction"], "PROPAGATED_ANNOTATION");
    assert_eq!(child["version"], 1);
    let query = "query($id: ID!) { task(id: $id) { groundTruth { id } } }";
    let answer = app.admin.run_with(query, json!({ "id": task })).await;
    assert_eq!(answer.data(), &json!({ "task": { "groundTruth": null } }));
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 0]));
}

#[each_database]
async fn an_id_is_never_given_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    delete(&app.admin, &id).await.ok();
    let next = app.annotation(&app.admin, &task, json!({})).await;
    assert_ne!(next, id);
    assert_eq!(revisions(&app, &next).await.len(), 1);
}

#[each_database]
async fn the_version_is_checked_first(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    update(&app.admin, &id, json!({ "leadTime": 1 })).await.ok();
    let before = app.dump().await;
    let query = "mutation($id: ID!, $version: Int) {
        deleteAnnotation(id: $id, expectedVersion: $version) { version }
    }";
    let late = app
        .admin
        .run_with(query, json!({ "id": id, "version": 1 }))
        .await;
    assert_eq!(late.code(), "CONFLICT");
    let extensions = &late.error()["extensions"];
    assert_eq!(extensions["currentVersion"], 2);
    assert_eq!(extensions["clashingFields"], json!([]));
    assert_eq!(extensions["current"]["leadTime"], 1.0);
    assert_eq!(app.dump().await, before);
    let answer = app
        .admin
        .run_with(query, json!({ "id": id, "version": 2 }))
        .await;
    assert_eq!(
        answer.data(),
        &json!({ "deleteAnnotation": { "version": 3 } })
    );
}
