//! Concurrent writers of the annotations of one task or of a few.

use each_database::each_database;
use entity::{annotation, annotation_revision, project_member::Role};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{counters, create, delete, update},
    support::TestApp,
};

/// So many annotations of a task; their ids.
async fn annotations(app: &TestApp, task: &str, count: usize) -> Vec<String> {
    let mut ids = vec![];
    for _ in 0..count {
        ids.push(app.annotation(&app.admin, task, json!({})).await);
    }
    ids
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn creates_are_all_counted(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, task) = (ann.clone(), task.clone());
        let input = json!({ "result": [{ "n": number }], "wasCancelled": number % 4 == 0 });
        async move { create(&by, &task, input).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_eq!(counters(&ann, &task).await, json!([true, 48, 16]));
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn skips_are_all_counted(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, MANY).await;
    let answers = at_once(ids.into_iter().enumerate().map(|(number, id)| {
        let by = app.admin.clone();
        let input = json!({ "wasCancelled": number != 7 });
        async move { update(&by, &id, input).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 63]));
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn deletes_are_all_counted(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, MANY + 2).await;
    let answers = at_once(ids.into_iter().skip(2).map(|id| {
        let by = app.admin.clone();
        async move { delete(&by, &id).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 0]));
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn moves_both_ways_are_all_counted(app: TestApp) {
    let (_, here) = app.project_with_task().await;
    let (_, there) = app.project_with_task().await;
    let mut ids = annotations(&app, &here, MANY / 2).await;
    ids.extend(annotations(&app, &there, MANY / 2).await);
    let answers = at_once(ids.into_iter().enumerate().map(|(number, id)| {
        let by = app.admin.clone();
        // All that were there come here, and three quarters of those that were here go there.
        let task = if number < 24 { &there } else { &here };
        let input = json!({ "taskId": task });
        async move { update(&by, &id, input).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_eq!(counters(&app.admin, &here).await, json!([true, 40, 0]));
    assert_eq!(counters(&app.admin, &there).await, json!([true, 24, 0]));
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn one_ground_truth_is_left(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, MANY / 2).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, task) = (app.admin.clone(), task.clone());
        let id = ids.get(number).cloned();
        async move {
            match id {
                Some(id) => update(&by, &id, json!({ "groundTruth": true })).await,
                None => create(&by, &task, json!({ "result": [], "groundTruth": true })).await,
            }
        }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    let rows = annotation::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap();
    assert_eq!(rows.iter().filter(|row| row.ground_truth).count(), 1);
    // Each of the others was one and lost it, with a revision of its own.
    let revisions = annotation_revision::Entity::find()
        .count(app.app.db.writer())
        .await
        .unwrap();
    assert_eq!(revisions, (32 + 32) + 32 + 63);
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_ends_with_exact_counters(app: TestApp) {
    let (project, first) = app.project_with_task().await;
    let (_, second) = app.project_with_task().await;
    let third = app.task(&project).await;
    let tasks = [first, second, third];
    let mut ids = vec![];
    for task in &tasks {
        ids.extend(annotations(&app, task, 4).await);
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, tasks) = (app.admin.clone(), tasks.clone());
        let id = ids[number * 5 % ids.len()].clone();
        async move {
            let task = &tasks[number * 7 % 3];
            match number % 6 {
                0 => create(&by, task, json!({ "result": [], "groundTruth": true })).await,
                1 | 2 => update(&by, &id, json!({ "taskId": task })).await,
                3 => update(&by, &id, json!({ "groundTruth": true })).await,
                4 => update(&by, &id, json!({ "wasCancelled": number % 4 == 0 })).await,
                _ => delete(&by, &id).await,
            }
        }
    }))
    .await;
    let outcomes = codes(&answers);
    let missing = outcomes.get("NOT_FOUND").copied().unwrap_or(0);
    assert_eq!(outcomes["ok"] + missing, MANY, "{outcomes:?}");
    assert_consistent(&app).await;
}
