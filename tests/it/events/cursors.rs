//! Cursors that are none, or of another log.

use annograph::app::App;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::event_log;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{Follower, after};
use crate::{
    cli::program::Program,
    support::{self, each_database},
};

/// The cursor of a place in the log.
pub async fn of_place(app: &App, seq: i64) -> String {
    let log = event_log::Entity::find()
        .one(app.db.reader())
        .await
        .unwrap();
    URL_SAFE_NO_PAD.encode(format!("e1:{}:{seq}", log.unwrap().generation))
}

fn assert_refused(error: &Value) {
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{error}");
    let problem = &error["extensions"]["problems"][0];
    assert_eq!(problem["path"], json!(["after"]));
    assert_eq!(problem["code"], "INVALID_FORMAT");
}

#[tokio::test]
async fn what_is_no_cursor_is_refused_at_once() {
    each_database(async |test| {
        let (_, task) = test.project_with_task().await;
        let schema = support::schema(&test.app);
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
            let mut follower = Follower::new(&test.app, &schema, &test.admin, &arguments).await;
            assert_refused(&follower.error().await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_renewed_log_refuses_the_cursors_from_before() {
    each_database(async |test| {
        let (_, task) = test.project_with_task().await;
        let schema = support::schema(&test.app);
        let mut follower = Follower::new(&test.app, &schema, &test.admin, "").await;
        test.annotation(&test.admin, &task, json!({})).await;
        let event = follower.event().await;
        Program::on(&test.url).run(&["events", "renew"]).ok();
        let mut again = Follower::new(&test.app, &schema, &test.admin, &after(&event)).await;
        assert_refused(&again.error().await);
        // The log itself is all there.
        let arguments = format!("(after: \"{}\")", of_place(&test.app, 0).await);
        let mut anew = Follower::new(&test.app, &schema, &test.admin, &arguments).await;
        assert_eq!(anew.short().await, "CREATED 1 v1");
    })
    .await;
}
