//! Many subscribers, and slow subscribers.

use annograph::{app::App, endpoint::engine::Engine, events::Events};
use each_database::each_database;
use serde_json::{Value, json};

use super::{EVENT, Follower, after, short, statements_of_update};
use crate::{
    graphql::update,
    support::{self, TestApp},
};

const MANY: usize = 200;

/// Statements from a write until all of so many followers have its event, in full.
async fn statements(test: &TestApp, engine: &Engine, task: &str, followers: usize) -> usize {
    let query = "subscription { annotationEvents {
                   action annotation { id result version createdAt } task { id } actor { username }
                   changedFields } }";
    let mut all = Vec::new();
    for _ in 0..followers {
        all.push(Follower::of(&test.app, engine, &test.admin, query).await);
    }
    statements_of_update(test, task, &mut all, |event| {
        assert_eq!(event["annotation"]["version"], 2);
        assert_eq!(event["actor"]["username"], "admin");
    })
    .await
}

#[each_database]
async fn a_write_costs_as_many_statements_for_hundreds_as_for_one(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let one = statements(&test, &engine, &task, 1).await;
    let many = statements(&test, &engine, &task, MANY).await;
    // The reader looks at an empty log from time to time.
    assert!(many <= one + 20, "{one} for one, {many} for {MANY}");
}

#[each_database]
async fn who_is_slow_is_told_and_goes_on_from_there(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let app = App {
        events: Events::with_buffer(test.app.db.clone(), 2),
        ..test.app.clone()
    };
    let engine = support::engine(&app);
    let mut quick = Follower::new(&app, &engine, &test.admin, "").await;
    let query = format!("subscription {{ annotationEvents {{ {EVENT} }} }}");
    let mut slow = Follower::lazy(&app, &engine, &test.admin, &query).await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    quick.event().await;
    let mut seen = vec![slow.event().await];
    // The first event came from the log. Only a subscriber that has received a live event can be slow, so this
    // one follows.
    update(&test.admin, &id, json!({ "leadTime": 0.5 }))
        .await
        .ok();
    quick.event().await;
    seen.push(slow.event().await);
    // Each change is read before the next, so that each is a batch of its own.
    for lead_time in 1..=10 {
        update(&test.admin, &id, json!({ "leadTime": lead_time }))
            .await
            .ok();
        quick.event().await;
    }
    let error = slow.error().await;
    assert_eq!(error["extensions"]["code"], "LIMIT_EXCEEDED");
    let cursor = json!({ "cursor": error["extensions"]["cursor"] });
    let mut slow = Follower::new(&app, &engine, &test.admin, &after(&cursor)).await;
    for _ in 1..=10 {
        seen.push(slow.event().await);
    }
    let versions: Vec<&Value> = seen.iter().map(|event| &event["version"]).collect();
    assert_eq!(json!(versions), json!((1..=12).collect::<Vec<_>>()));
    assert_eq!(short(&seen[0]), format!("CREATED {id} v1"));
}

#[each_database]
async fn who_comes_after_everybody_has_left_is_told_as_well(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    for number in 1..=3 {
        let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
        test.annotation(&test.admin, &task, json!({})).await;
        assert_eq!(follower.short().await, format!("CREATED {number} v1"));
        drop(follower);
        // The reader finds out at its next turn, and must not take the next follower with it.
        if number == 2 {
            tokio::task::yield_now().await;
        }
    }
}
