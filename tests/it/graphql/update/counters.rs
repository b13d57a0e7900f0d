//! Counters of a task after every change of the annotations.

use each_database::each_database;
use entity::{annotation, project_member::Role};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
};
use serde_json::json;

use super::super::{counters, task_with_overlap, update};
use crate::support::TestApp;

/// Makes an annotation one whose author is gone.
async fn lose_author(app: &TestApp, id: &str) {
    let row = annotation::ActiveModel {
        id: Unchanged(id.parse().unwrap()),
        completed_by_id: Set(None),
        ..Default::default()
    };
    row.update(app.app.db.writer()).await.unwrap();
}

#[each_database]
async fn skipping_and_resuming_moves_an_annotation_between_the_counters(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    assert_eq!(counters(&app.admin, &task).await, json!([false, 0, 0]));
    let id = app.annotation(&app.admin, &task, json!({})).await;
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 0]));
    let answer = update(&app.admin, &id, json!({ "wasCancelled": true })).await;
    assert_eq!(answer.data()["updateAnnotation"]["lastAction"], "SKIPPED");
    assert_eq!(counters(&app.admin, &task).await, json!([false, 0, 1]));
    // A change of a skipped one is an update, not another skip.
    let answer = update(
        &app.admin,
        &id,
        json!({ "leadTime": 1, "wasCancelled": true }),
    )
    .await;
    assert_eq!(answer.data()["updateAnnotation"]["lastAction"], "UPDATED");
    let answer = update(&app.admin, &id, json!({ "wasCancelled": false })).await;
    assert_eq!(answer.data()["updateAnnotation"]["lastAction"], "UPDATED");
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 0]));
}

#[each_database]
async fn a_task_is_labeled_once_enough_different_people_annotated_it(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let task = task_with_overlap(&app, &project, 2).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let first = app.annotation(&app.admin, &task, json!({})).await;
    let second = app.annotation(&app.admin, &task, json!({})).await;
    assert_eq!(counters(&app.admin, &task).await, json!([false, 2, 0]));
    // Authorship alone decides.
    update(&app.admin, &second, json!({ "completedById": ann.user_id }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 0]));
    update(&app.admin, &first, json!({ "wasCancelled": true }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([false, 1, 1]));
    update(&app.admin, &first, json!({ "wasCancelled": false }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 0]));
    update(&app.admin, &second, json!({ "completedById": "1" }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([false, 2, 0]));
}

#[each_database]
async fn all_without_an_author_count_as_one(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let task = task_with_overlap(&app, &project, 2).await;
    let ids = [
        app.annotation(&app.admin, &task, json!({})).await,
        app.annotation(&app.admin, &task, json!({})).await,
        app.annotation(&app.admin, &task, json!({})).await,
    ];
    lose_author(&app, &ids[0]).await;
    lose_author(&app, &ids[1]).await;
    update(&app.admin, &ids[2], json!({ "wasCancelled": true }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([false, 2, 1]));
    update(&app.admin, &ids[2], json!({ "wasCancelled": false }))
        .await
        .ok();
    assert_eq!(counters(&app.admin, &task).await, json!([true, 3, 0]));
}
