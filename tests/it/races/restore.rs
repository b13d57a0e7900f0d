//! Concurrent restores, changes and deletions of one annotation.

use each_database::each_database;
use entity::{annotation_revision::Event, project_member::Role};
use serde_json::json;

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{delete, restore, revisions, row, update},
    support::TestApp,
};

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn restoring_deleting_and_changing_keep_one_history(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let max = app.member(&project, "max", Role::Manager).await;
    let id = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let other = app.annotation(&app.admin, &task, json!({})).await;
    update(
        &app.admin,
        &id,
        json!({ "leadTime": 1, "wasCancelled": true }),
    )
    .await
    .ok();
    let answers = at_once((0..MANY).map(|number| {
        let (by, id, other) = match number % 2 {
            0 => (app.admin.clone(), id.clone(), other.clone()),
            _ => (max.clone(), id.clone(), other.clone()),
        };
        async move {
            match number % 4 {
                0 => restore(&by, &id, 1, None).await,
                1 => update(&by, &id, json!({ "leadTime": number })).await,
                2 => delete(&by, &id).await,
                _ => update(&by, &other, json!({ "groundTruth": number % 8 == 3 })).await,
            }
        }
    }))
    .await;
    let outcomes = codes(&answers);
    let not_found = outcomes.get("NOT_FOUND").copied().unwrap_or(0);
    assert_eq!(outcomes["ok"] + not_found, MANY, "{outcomes:?}");
    // Every restore finds the annotation, live or deleted.
    for answer in answers.iter().step_by(4) {
        let restored = &answer.data()["restoreAnnotation"];
        assert_eq!(restored["groundTruth"], true);
        assert_eq!(restored["wasCancelled"], false);
    }
    let history = revisions(&app, &id).await;
    let mut is_there = false;
    for (index, revision) in history.iter().enumerate() {
        assert_eq!(usize::try_from(revision.version).unwrap(), index + 1);
        let was_there = is_there;
        is_there = revision.event != Event::Deleted;
        let appears = matches!(revision.event, Event::Created | Event::Restored);
        assert_eq!(was_there, !appears);
    }
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn a_deleted_annotation_comes_back_once(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    delete(&app.admin, &id).await.ok();
    let answers = at_once((0..MANY).map(|_| {
        let (by, id) = (app.admin.clone(), id.clone());
        async move { restore(&by, &id, 1, None).await }
    }))
    .await;
    for answer in &answers {
        assert_eq!(answer.data()["restoreAnnotation"]["version"], 3);
    }
    let events: Vec<_> = revisions(&app, &id)
        .await
        .iter()
        .map(|row| row.event)
        .collect();
    assert_eq!(events, [Event::Created, Event::Deleted, Event::Restored]);
    assert_eq!(row(&app, &id).await.version, 3);
    assert_consistent(&app).await;
}
