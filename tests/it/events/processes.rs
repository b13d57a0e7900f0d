//! Events across several servers on one database.

use annograph::db::advisory::SEQUENCER;
use each_database::{each_database, postgres_only};
use sea_orm::{
    ConnectionTrait, EntityTrait, PaginatorTrait, TransactionTrait,
    sqlx::{AssertSqlSafe, Executor},
};
use serde_json::json;

use super::{Follower, after, cursors};
use crate::{
    graphql::update,
    support::{self, TestApp},
};

/// How many revisions wait for their number.
async fn waiting(test: &TestApp) -> u64 {
    let waiting = entity::outbox::Entity::find().count(test.app.db.writer());
    waiting.await.unwrap()
}

#[each_database]
async fn followers_at_one_server_are_told_of_writes_at_another(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    // The writing server is a running one.
    test.app.events.start();
    let app = test.beside().await;
    let engine = support::engine(&app);
    let first = test.annotation(&test.admin, &task, json!({})).await;
    let beginning = json!({ "cursor": cursors::of_place(&app, 0).await });
    let mut follower = Follower::new(&app, &engine, &test.admin, &after(&beginning)).await;
    assert_eq!(follower.short().await, format!("CREATED {first} v1"));
    for version in 2..=20 {
        update(&test.admin, &first, json!({ "leadTime": version }))
            .await
            .ok();
        assert_eq!(
            follower.short().await,
            format!("UPDATED {first} v{version}")
        );
    }
}

#[postgres_only]
async fn what_a_dead_server_left_is_numbered_by_another(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    // This server has not begun to number, as one that died right behind its commits.
    for _ in 0..3 {
        test.annotation(&test.admin, &task, json!({})).await;
    }
    assert_eq!(waiting(&test).await, 3);
    let app = test.beside().await;
    let engine = support::engine(&app);
    let beginning = json!({ "cursor": cursors::of_place(&app, 0).await });
    let mut follower = Follower::new(&app, &engine, &test.admin, &after(&beginning)).await;
    for id in 1..=3 {
        assert_eq!(follower.short().await, format!("CREATED {id} v1"));
    }
    assert_eq!(waiting(&test).await, 0);
    // Numbers later revisions too, without a notification.
    test.annotation(&test.admin, &task, json!({})).await;
    assert_eq!(follower.short().await, "CREATED 4 v1");
}

#[postgres_only]
async fn a_server_that_is_frozen_while_it_numbers_stops_nobody_for_long(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    // The frozen server holds the sequencer's lock and numbers nothing.
    let mut frozen = test.app.db.direct_postgres().await.unwrap();
    let lock = format!("BEGIN; SELECT pg_advisory_xact_lock({SEQUENCER})");
    frozen.execute(AssertSqlSafe(lock)).await.unwrap();
    let id = test.annotation(&test.admin, &task, json!({})).await;
    let engine = support::engine(&test.app);
    let beginning = json!({ "cursor": cursors::of_place(&test.app, 0).await });
    let mut follower = Follower::new(&test.app, &engine, &test.admin, &after(&beginning)).await;
    assert_eq!(follower.short().await, format!("CREATED {id} v1"));
    // The thawed server finds its transaction ended.
    assert!(frozen.execute("COMMIT").await.is_err());
}

#[postgres_only]
async fn a_transaction_left_open_elsewhere_stops_nobody(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    follower.event().await;
    // An open transaction has drawn a revision id below those that commit after it.
    let open = test.app.db.writer().begin().await.unwrap();
    open.execute_unprepared(
        "INSERT INTO annotation_revision (annotation_id, version, event, action, task_id, \
           project_id, created_at, changes) \
         SELECT 999, 1, 'created', 'submitted', task_id, project_id, created_at, '{}' \
         FROM annotation_revision LIMIT 1",
    )
    .await
    .unwrap();
    update(&test.admin, &id, json!({ "leadTime": 1 }))
        .await
        .ok();
    assert_eq!(follower.short().await, format!("UPDATED {id} v2"));
    update(&test.admin, &id, json!({ "leadTime": 2 }))
        .await
        .ok();
    assert_eq!(follower.short().await, format!("UPDATED {id} v3"));
    open.commit().await.unwrap();
    // Late in its commit, not lost.
    assert_eq!(follower.short().await, "CREATED 999 v1");
}
