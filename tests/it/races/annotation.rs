//! Concurrent writers of one annotation.

use std::collections::HashSet;

use each_database::each_database;
use entity::{annotation_revision::Event, project_member::Role};
use serde_json::json;

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{delete, revisions, row, update},
    support::TestApp,
};

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_different_fields_both_win(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let max = app.member(&project, "max", Role::Manager).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, id) = (
            if number % 2 == 0 {
                app.admin.clone()
            } else {
                max.clone()
            },
            id.clone(),
        );
        let input = match number % 2 {
            0 => json!({ "leadTime": number }),
            _ => json!({ "result": [{ "writer": number }] }),
        };
        async move { update(&by, &id, input).await }
    }))
    .await;
    // Each writer is told the state right after their own change.
    let mut versions = HashSet::new();
    for (number, answer) in answers.iter().enumerate() {
        let told = &answer.data()["updateAnnotation"];
        match number % 2 {
            0 => assert_eq!(told["leadTime"], number as f64),
            _ => assert_eq!(told["result"], json!([{ "writer": number }])),
        }
        versions.insert(told["version"].as_u64().unwrap());
    }
    assert_eq!(versions, (2..=65).collect());

    let history = revisions(&app, &id).await;
    assert_eq!(history.len(), 1 + MANY);
    let lead_times: HashSet<String> = history[1..]
        .iter()
        .filter(|revision| revision.result.is_none())
        .map(|revision| revision.changes.clone())
        .collect();
    let sent = (0..MANY)
        .step_by(2)
        .map(|number| format!(r#"{{"leadTime":{number}.0}}"#));
    assert_eq!(lead_times, sent.collect());
    let results: HashSet<String> = history[1..]
        .iter()
        .filter_map(|revision| revision.result.clone())
        .collect();
    let sent = (1..MANY)
        .step_by(2)
        .map(|number| format!(r#"[{{"writer":{number}}}]"#));
    assert_eq!(results, sent.collect());
    // Neither kind of writer ever took the other's value back.
    let last = row(&app, &id).await;
    assert_eq!(last.version, 65);
    assert!(last.lead_time.is_some());
    assert!(results.contains(&last.result));
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_expect_the_same_version_one_wins(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, id) = (app.admin.clone(), id.clone());
        let input = json!({ "leadTime": number, "expectedVersion": 1 });
        async move { update(&by, &id, input).await }
    }))
    .await;
    let outcomes = codes(&answers);
    assert_eq!(
        (outcomes["ok"], outcomes["CONFLICT"]),
        (1, MANY - 1),
        "{outcomes:?}"
    );
    let winner = answers
        .iter()
        .position(|answer| answer.json.get("errors").is_none())
        .unwrap();
    let last = row(&app, &id).await;
    assert_eq!((last.version, last.lead_time), (2, Some(winner as f64)));
    for answer in answers
        .iter()
        .filter(|answer| answer.json.get("errors").is_some())
    {
        let extensions = &answer.error()["extensions"];
        assert_eq!(extensions["currentVersion"], 2);
        assert_eq!(extensions["clashingFields"], json!(["leadTime"]));
        assert_eq!(extensions["current"]["leadTime"], winner as f64);
    }
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn an_annotation_is_deleted_once(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, id) = (app.admin.clone(), id.clone());
        async move {
            match number % 2 {
                0 => delete(&by, &id).await,
                _ => update(&by, &id, json!({ "leadTime": number })).await,
            }
        }
    }))
    .await;
    let deletes: Vec<_> = answers.iter().step_by(2).collect();
    let deleted = deletes
        .iter()
        .filter(|answer| answer.json.get("errors").is_none())
        .count();
    assert_eq!(deleted, 1);
    let outcomes = codes(&answers);
    assert_eq!(outcomes["ok"] + outcomes["NOT_FOUND"], MANY, "{outcomes:?}");
    let history = revisions(&app, &id).await;
    assert_eq!(history.len(), 1 + outcomes["ok"]);
    for (index, revision) in history.iter().enumerate() {
        assert_eq!(usize::try_from(revision.version).unwrap(), index + 1);
        assert_eq!(revision.event == Event::Deleted, index + 1 == history.len());
    }
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_is_moved_by_many_is_in_one_place(app: TestApp) {
    let (project, first) = app.project_with_task().await;
    let (_, second) = app.project_with_task().await;
    let third = app.task(&project).await;
    let tasks = [first, second, third];
    let id = app
        .annotation(&app.admin, &tasks[0], json!({ "groundTruth": true }))
        .await;
    for task in &tasks {
        app.annotation(&app.admin, task, json!({})).await;
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, id) = (app.admin.clone(), id.clone());
        // Some only write, and find it elsewhere than where they saw it.
        let input = match number % 4 {
            0 => json!({ "leadTime": number + 1 }),
            _ => json!({ "leadTime": number + 1, "taskId": tasks[number % 3] }),
        };
        async move { update(&by, &id, input).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_eq!(row(&app, &id).await.version, 65);
    assert_consistent(&app).await;
}
