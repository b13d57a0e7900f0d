//! Invalid event cursors, and cursors of another log.

use annograph::app::App;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use each_database::each_database;
use entity::{event_log, project_member::Role};
use migration::{Migrator, MigratorTrait};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{Follower, after};
use crate::{
    cli::program::Program,
    support::{self, TestApp},
};

/// The cursor of a place in the log, of a release that did not seal cursors and was in use until now.
pub async fn of_place(app: &App, seq: i64) -> String {
    used_until(app, i64::MAX).await;
    unsealed(app, seq).await
}

/// Releases that did not seal cursors were in use until this event.
async fn used_until(app: &App, seq: i64) {
    let update = event_log::Entity::update_many();
    let update = update.col_expr(event_log::Column::UnsealedUntil, seq.into());
    update.exec(app.db.writer()).await.unwrap();
}

async fn unsealed(app: &App, seq: i64) -> String {
    let log = event_log::Entity::find();
    let log = log.one(app.db.reader()).await.unwrap();
    URL_SAFE_NO_PAD.encode(format!("e1:{}:{seq}", log.unwrap().generation))
}

fn assert_refused(error: &Value) {
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{error}");
    let problem = &error["extensions"]["problems"][0];
    assert_eq!(problem["path"], json!(["after"]));
    assert_eq!(problem["code"], "INVALID_FORMAT");
}

#[each_database]
async fn what_is_no_cursor_is_refused_at_once(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    test.annotation(&test.admin, &task, json!({})).await;
    let ahead = of_place(&test.app, 1_000_000).await;
    let negative = of_place(&test.app, -1).await;
    let list = test
        .admin
        .run("{ annotations { pageInfo { endCursor } } }")
        .await;
    let list = list.data()["annotations"]["pageInfo"]["endCursor"].clone();
    let list = list.as_str().unwrap();
    for cursor in ["", "1", "äöü", "ZTE6eDp5", list, &ahead, &negative] {
        let arguments = format!("(after: {})", json!(cursor));
        let mut follower = Follower::new(&test.app, &engine, &test.admin, &arguments).await;
        assert_refused(&follower.error().await);
    }
}

#[each_database]
async fn a_cursor_tells_nothing_of_events_out_of_sight(test: TestApp) {
    let (project, task) = test.project_with_task().await;
    let (_, hidden) = test.project_with_task().await;
    let ann = test.member(&project, "ann", Role::Viewer).await;
    let engine = support::engine(&test.app);
    let mut admins = Follower::new(&test.app, &engine, &test.admin, "").await;
    let mut anns = Follower::new(&test.app, &engine, &ann, "").await;
    let mut seen = Vec::new();
    for task in [&task, &hidden, &hidden, &task] {
        test.annotation(&test.admin, task, json!({})).await;
        seen.push(admins.event().await["cursor"].clone());
    }
    let first = anns.event().await["cursor"].clone();
    let second = anns.event().await["cursor"].clone();
    // The same for everybody, so that clients can compare; and from another server.
    assert_eq!((&first, &second), (&seen[0], &seen[3]));
    let beside = test.beside().await;
    let again = support::engine(&beside);
    let arguments = after(&json!({ "cursor": first }));
    let mut replay = Follower::new(&beside, &again, &ann, &arguments).await;
    assert_eq!(replay.event().await["cursor"], second);
    // All have one length, and no two have more in common than their first byte.
    for (index, cursor) in seen.iter().enumerate() {
        let bytes = URL_SAFE_NO_PAD.decode(cursor.as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), 25);
        for other in &seen[..index] {
            let other = URL_SAFE_NO_PAD.decode(other.as_str().unwrap()).unwrap();
            let alike = bytes.iter().zip(&other).filter(|(one, other)| one == other);
            assert!(alike.count() < 8, "{bytes:?} {other:?}");
        }
    }
}

#[each_database]
async fn cursors_of_earlier_releases_are_taken_and_none_made_up_since(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    for _ in 0..3 {
        test.annotation(&test.admin, &task, json!({})).await;
        follower.event().await;
    }
    let last = test.app.events.end(&test.app.db).await.unwrap();
    used_until(&test.app, last - 1).await;
    let before = unsealed(&test.app, last - 1).await;
    let arguments = format!("(after: \"{before}\")");
    let mut taken = Follower::new(&test.app, &engine, &test.admin, &arguments).await;
    assert_eq!(taken.short().await, "CREATED 3 v1");
    // The message is the same for events that exist and for others.
    let mut refusals = Vec::new();
    for seq in [last, last + 1, last + 1_000] {
        let arguments = format!("(after: \"{}\")", unsealed(&test.app, seq).await);
        let mut follower = Follower::new(&test.app, &engine, &test.admin, &arguments).await;
        let error = follower.error().await;
        assert_refused(&error);
        refusals.push(error["message"].clone());
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
}

#[each_database]
async fn the_migration_keeps_cursors_and_gives_all_servers_one_key(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    for _ in 0..2 {
        test.annotation(&test.admin, &task, json!({})).await;
        follower.event().await;
    }
    let first = test.app.events.end(&test.app.db).await.unwrap() - 1;
    let all = Migrator::migrations();
    let since = all
        .iter()
        .rev()
        .position(|it| it.name().ends_with("seal_event_cursors"));
    let down = u32::try_from(since.unwrap() + 1).unwrap();
    Migrator::down(test.app.db.writer(), Some(down))
        .await
        .unwrap();
    Program::on(&test.url).run(&["migrate", "up"]).ok();
    let log = event_log::Entity::find()
        .all(test.app.db.reader())
        .await
        .unwrap();
    assert_eq!(log.len(), 1);
    assert!(log[0].cursor_key.len() >= 64, "{log:?}");
    assert_eq!(log[0].unsealed_until, first + 1);
    let arguments = format!("(after: \"{}\")", unsealed(&test.app, first).await);
    let mut taken = Follower::new(&test.app, &engine, &test.admin, &arguments).await;
    let event = taken.event().await;
    assert_eq!(event["version"], 1);
    let mut led_on = Follower::new(&test.app, &engine, &test.admin, &after(&event)).await;
    test.annotation(&test.admin, &task, json!({})).await;
    assert_eq!(led_on.short().await, "CREATED 3 v1");
}

#[each_database]
async fn a_renewed_log_refuses_the_cursors_from_before(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    test.annotation(&test.admin, &task, json!({})).await;
    let event = follower.event().await;
    Program::on(&test.url).run(&["events", "renew"]).ok();
    let mut again = Follower::new(&test.app, &engine, &test.admin, &after(&event)).await;
    assert_refused(&again.error().await);
    // The log itself is all there.
    let arguments = format!("(after: \"{}\")", of_place(&test.app, 0).await);
    let mut anew = Follower::new(&test.app, &engine, &test.admin, &arguments).await;
    assert_eq!(anew.short().await, "CREATED 1 v1");
}
