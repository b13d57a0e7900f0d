//! Resumption from a cursor: each event exactly once, during concurrent writes.

use std::collections::HashMap;

use each_database::each_database;
use entity::annotation_revision;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::{Follower, after, cursors, short};
use crate::{
    graphql::{delete, update},
    support::{self, Client, TestApp},
};

const WRITERS: usize = 16;
const ROUNDS: usize = 4;

/// Creates, changes (with others at it) and deletes annotations; how many events that makes is up to chance.
async fn write(by: Client, task: String, shared: String, number: usize) {
    for round in 0..ROUNDS {
        let created = crate::graphql::create(&by, &task, json!({ "result": [] })).await;
        let id = created.data()["createAnnotation"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let lead_time = json!({ "leadTime": number * ROUNDS + round + 1 });
        update(&by, &shared, lead_time.clone()).await.ok();
        update(&by, &id, lead_time).await.ok();
        if round % 2 == 0 {
            delete(&by, &id).await.ok();
        }
    }
}

async fn revisions(test: &TestApp) -> usize {
    let count = annotation_revision::Entity::find().count(test.app.db.reader());
    usize::try_from(count.await.unwrap()).unwrap()
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn every_cursor_leads_to_all_that_follows_while_many_write(test: TestApp) {
    let (project, _) = test.project_with_task().await;
    let shared_task = test.task(&project).await;
    let engine = support::engine(&test.app);
    let mut live = Follower::new(&test.app, &engine, &test.admin, "").await;
    let shared = test.annotation(&test.admin, &shared_task, json!({})).await;
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let task = test.task(&project).await;
        let (by, shared) = (test.admin.clone(), shared.clone());
        writers.push(tokio::spawn(write(by, task, shared, number)));
    }
    // While they write, others come and begin where the first one is.
    let mut history = Vec::new();
    let mut others = Vec::new();
    for number in 0..100 {
        let event = live.event().await;
        if number % 10 == 0 {
            let other = Follower::new(&test.app, &engine, &test.admin, &after(&event)).await;
            others.push((history.len() + 1, other));
        }
        history.push(event);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    while history.len() < revisions(&test).await {
        history.push(live.event().await);
    }
    assert_complete(&history);
    for (from, mut other) in others {
        for event in &history[from..] {
            assert_eq!(short(&other.event().await), short(event));
        }
    }
    // Afterwards, from the very beginning, every tenth cursor, and the last ones.
    let beginning = cursors::of_place(&test.app, 0).await;
    let beginning = json!({ "cursor": beginning });
    let starts = std::iter::once((0, &beginning)).chain(
        history
            .iter()
            .enumerate()
            .map(|(index, event)| (index + 1, event))
            .filter(|(index, _)| index % 10 == 0 || index + 3 > history.len()),
    );
    let mut last = Vec::new();
    for (from, event) in starts {
        let mut again = Follower::new(&test.app, &engine, &test.admin, &after(event)).await;
        for event in &history[from..] {
            let told = again.event().await;
            assert_eq!(short(&told), short(event));
            assert_eq!(told["cursor"], event["cursor"]);
        }
        last.push(again);
    }
    // All of them go on live.
    update(&test.admin, &shared, json!({ "leadTime": 0.5 }))
        .await
        .ok();
    let next = live.short().await;
    for mut follower in last {
        assert_eq!(follower.short().await, next);
    }
}

/// Versions of each annotation rise by one, from 1.
fn assert_complete(history: &[Value]) {
    let mut versions: HashMap<&str, i64> = HashMap::new();
    for event in history {
        let id = event["annotationId"].as_str().unwrap();
        let version = versions.entry(id).or_default();
        *version += 1;
        assert_eq!(event["version"], *version, "annotation {id}");
    }
}

#[each_database]
async fn a_server_started_anew_goes_on_where_the_other_was(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    let event = follower.event().await;
    update(&test.admin, &id, json!({ "leadTime": 1 }))
        .await
        .ok();
    drop((follower, engine));
    let app = test.beside().await;
    let engine = support::engine(&app);
    let mut follower = Follower::new(&app, &engine, &test.admin, &after(&event)).await;
    assert_eq!(follower.short().await, format!("UPDATED {id} v2"));
    update(&test.admin, &id, json!({ "leadTime": 2 }))
        .await
        .ok();
    assert_eq!(follower.short().await, format!("UPDATED {id} v3"));
}

#[each_database]
async fn a_history_of_many_pages_is_replayed_whole(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let id = test.annotation(&test.admin, &task, json!({})).await;
    for lead_time in 1..=120 {
        update(&test.admin, &id, json!({ "leadTime": lead_time }))
            .await
            .ok();
    }
    // Whoever reads from the log first sees what is numbered by then, and the rest as it comes.
    let beginning = json!({ "cursor": cursors::of_place(&test.app, 0).await });
    let mut follower = Follower::new(&test.app, &engine, &test.admin, &after(&beginning)).await;
    for version in 1..=121 {
        assert_eq!(follower.event().await["version"], version);
    }
}
