//! Concurrent batches, single changes and deletions.

use std::collections::HashMap;

use each_database::each_database;
use serde_json::{Value, json};

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{delete, revisions, row, update},
    support::{Answer, Client, TestApp},
};

async fn update_all(by: Client, items: Vec<Value>) -> Answer {
    let query = "mutation($items: [UpdateAnnotationItem!]!) {
      outcomes: updateAnnotations(items: $items, onError: REJECT_FAILED) {
        annotation { id version } error { code } } }";
    by.run_with(query, json!({ "items": items })).await
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn batches_and_single_changes_lose_nothing(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let (_, other) = app.project_with_task().await;
    let tasks = [task, app.task(&project).await, other];
    let mut ids = Vec::new();
    for index in 0..30 {
        ids.push(
            app.annotation(&app.admin, &tasks[index % 3], json!({}))
                .await,
        );
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, mut ids, tasks) = (app.admin.clone(), ids.clone(), tasks.clone());
        async move {
            // Everybody goes through them in an order of their own.
            ids.rotate_left(number % 30);
            if number % 2 == 0 {
                ids.reverse();
            }
            match number % 4 {
                0 => update(&by, &ids[0], json!({ "leadTime": number })).await,
                1 => {
                    let input = json!({ "taskId": tasks[number % 3] });
                    update(&by, &ids[0], input).await
                }
                _ => {
                    let item = |(index, id): (usize, &String)| {
                        let input = match index % 5 {
                            0 => json!({ "taskId": tasks[(number + index) % 3] }),
                            1 => json!({ "groundTruth": true }),
                            2 => json!({ "wasCancelled": number % 8 < 4 }),
                            _ => json!({ "leadTime": number * 100 + index }),
                        };
                        json!({ "id": id, "input": input })
                    };
                    let items = ids.iter().take(20).enumerate().map(item);
                    update_all(by, items.collect()).await
                }
            }
        }
    }))
    .await;
    // Each accepted change is a version of its own, told to nobody else; no change is none.
    let mut told: HashMap<String, Vec<u64>> = HashMap::new();
    for answer in &answers {
        let data = answer.data();
        let rows: Vec<&Value> = match data["outcomes"].as_array() {
            Some(outcomes) => outcomes.iter().map(|one| &one["annotation"]).collect(),
            None => vec![&data["updateAnnotation"]],
        };
        for row in rows {
            let id = row["id"].as_str().unwrap().to_owned();
            told.entry(id)
                .or_default()
                .push(row["version"].as_u64().unwrap());
        }
    }
    for (id, versions) in told {
        let history = revisions(&app, &id).await;
        let newest = history.last().unwrap().version;
        assert!(
            versions
                .iter()
                .all(|version| (1..=newest as u64).contains(version))
        );
    }
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_deleted_meanwhile_is_not_found_and_the_rest_is_written(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let mut ids = Vec::new();
    for _ in 0..MANY {
        ids.push(app.annotation(&app.admin, &task, json!({})).await);
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, ids) = (app.admin.clone(), ids.clone());
        async move {
            if number % 2 == 0 {
                return delete(&by, &ids[number]).await;
            }
            let item = |id| json!({ "id": id, "input": { "leadTime": number } });
            update_all(by, ids.iter().map(item).collect()).await
        }
    }))
    .await;
    assert_eq!(codes(&answers)["ok"], MANY);
    let batches = answers.iter().skip(1).step_by(2);
    for (nth, answer) in batches.enumerate() {
        let outcomes = answer.data()["outcomes"].as_array().unwrap();
        for (index, outcome) in outcomes.iter().enumerate() {
            let code = &outcome["error"]["code"];
            let is_gone = index % 2 == 0 && code == "NOT_FOUND";
            assert!(is_gone || code.is_null(), "{nth} {index} {code}");
        }
    }
    // Who is still there has a version for every batch.
    for id in ids.iter().skip(1).step_by(2) {
        let version = row(&app, id).await.version;
        assert_eq!(usize::try_from(version).unwrap(), 1 + MANY / 2);
    }
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn moves_find_their_task_however_busy_it_is(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let tasks = [task, app.task(&project).await];
    let mut ids = Vec::new();
    for index in 0..8 {
        ids.push(
            app.annotation(&app.admin, &tasks[index % 2], json!({}))
                .await,
        );
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, ids, tasks) = (app.admin.clone(), ids.clone(), tasks.clone());
        async move {
            let target = json!({ "taskId": tasks[number / 8 % 2] });
            match number % 8 {
                0 => update(&by, &ids[0], target).await,
                1 => {
                    let item = |id| json!({ "id": id, "input": target });
                    update_all(by, ids[1..3].iter().map(item).collect()).await
                }
                nth => update(&by, &ids[nth], json!({ "leadTime": number })).await,
            }
        }
    }))
    .await;
    assert_eq!(codes(&answers)["ok"], MANY, "{:?}", codes(&answers));
    for answer in &answers {
        let outcomes = answer.data()["outcomes"].as_array();
        let mut outcomes = outcomes.into_iter().flatten();
        assert!(outcomes.all(|outcome| outcome["error"].is_null()));
    }
    assert_consistent(&app).await;
}
