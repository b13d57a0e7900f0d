//! Filters of subscriptions, for live events and for the log.

use annograph::endpoint::engine::Engine;
use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::{Follower, after, cursors, short};
use crate::{
    graphql::{delete, update},
    support::{self, TestApp},
};

#[each_database]
async fn filters_choose_alike_live_and_from_the_log(test: TestApp) {
    let (cars, car) = test.project_with_task().await;
    let other_car = test.task(&cars).await;
    let (boats, boat) = test.project_with_task().await;
    let max = test.member(&cars, "max", Role::Annotator).await;
    let engine = support::engine(&test.app);
    let first = test.annotation(&test.admin, &car, json!({})).await;
    let filters = [
        (
            format!("annotationId: {{ eq: {first} }}"),
            "UPDATED 1 v2, DELETED 1 v3",
        ),
        // What leaves a task is of interest there, too.
        (
            format!("taskId: {{ eq: {car} }}"),
            "CREATED 2 v1, UPDATED 1 v2, UPDATED 2 v2, DELETED 1 v3",
        ),
        (
            format!("taskId: {{ in: [{other_car}, 99] }}"),
            "UPDATED 2 v2",
        ),
        (format!("projectId: {{ eq: {boats} }}"), "CREATED 3 v1"),
        (
            format!("actorId: {{ eq: {} }}", max.user_id),
            "CREATED 2 v1",
        ),
        ("action: { eq: DELETED }".to_owned(), "DELETED 1 v3"),
        (
            "action: { in: [CREATED, RESTORED] }".to_owned(),
            "CREATED 2 v1, CREATED 3 v1",
        ),
        (
            format!("action: {{ in: [UPDATED, DELETED] }}, taskId: {{ eq: {car} }}"),
            "UPDATED 1 v2, UPDATED 2 v2, DELETED 1 v3",
        ),
        ("annotationId: { in: [] }".to_owned(), ""),
        (
            "annotationId: { eq: \"x\" }, taskId: { eq: 1 }".to_owned(),
            "",
        ),
    ];
    let mut all = Follower::new(&test.app, &engine, &test.admin, "").await;
    let mut live = Vec::new();
    for (filter, _) in &filters {
        let arguments = format!("(filter: {{ {filter} }})");
        live.push(Follower::new(&test.app, &engine, &test.admin, &arguments).await);
    }
    let second = test.annotation(&max, &car, json!({})).await;
    let third = test.annotation(&test.admin, &boat, json!({})).await;
    update(&test.admin, &first, json!({ "leadTime": 1 }))
        .await
        .ok();
    update(&test.admin, &second, json!({ "taskId": other_car }))
        .await
        .ok();
    delete(&test.admin, &first).await.ok();
    let mut history = Vec::new();
    for _ in 0..5 {
        history.push(all.event().await);
    }
    assert_eq!(short(&history[4]), "DELETED 1 v3");
    for ((filter, expected), live) in filters.iter().zip(&mut live) {
        let expected: Vec<&str> = expected
            .split(", ")
            .filter(|short| !short.is_empty())
            .collect();
        for short in &expected {
            assert_eq!(live.short().await, *short, "live: {filter}");
        }
    }
    // From the log, behind the creation of the first annotation.
    let start = start(&test, &engine).await;
    for (filter, expected) in &filters {
        let arguments = format!("(filter: {{ {filter} }}, after: {start})");
        let mut replay = Follower::new(&test.app, &engine, &test.admin, &arguments).await;
        for short in expected.split(", ").filter(|short| !short.is_empty()) {
            assert_eq!(replay.short().await, short, "from the log: {filter}");
        }
    }
    assert_eq!(third, "3");
    // What was told before the end is all there was.
    test.app.events.stop();
    for ((filter, _), live) in filters.iter().zip(&mut live) {
        let error = live.error().await;
        assert_eq!(
            error["extensions"]["code"], "SERVICE_UNAVAILABLE",
            "{filter}"
        );
    }
}

/// The cursor of the first event of all, as a literal.
async fn start(test: &TestApp, engine: &Engine) -> String {
    let beginning = json!({ "cursor": cursors::of_place(&test.app, 0).await });
    let mut all = Follower::new(&test.app, engine, &test.admin, &after(&beginning)).await;
    all.event().await["cursor"].to_string()
}
