//! Concurrent reviews of one annotation.

use each_database::each_database;
use entity::project_member::Role;
use sea_orm::EntityTrait;
use serde_json::json;

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{flags::set, reviews::review, row},
    support::TestApp,
};

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn of_each_reviewer_the_last_verdict_stands(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let rae = app.member(&project, "rae", Role::Reviewer).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let answers = at_once((0..MANY).map(|number| {
        let by = match number % 2 {
            0 => app.admin.clone(),
            _ => rae.clone(),
        };
        let id = id.clone();
        let input = match number % 4 {
            0 | 1 => json!({ "action": "ACCEPT", "comment": number.to_string() }),
            _ => json!({ "action": "FIX_AND_ACCEPT", "result": [{ "fix": number }] }),
        };
        async move { review(&by, &id, input).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_eq!(row(&app, &id).await.version, 65);
    let rows = entity::annotation_review::Entity::find();
    let rows = rows.all(app.app.db.writer()).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows.iter().map(|row| row.version).max(), Some(65));
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn many_set_and_unset_one_ground_truth(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(app.annotation(&app.admin, &task, json!({})).await);
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, id) = (app.admin.clone(), ids[number % 4].clone());
        let what = match number % 5 {
            0 => "unsetGroundTruth",
            _ => "setGroundTruth",
        };
        async move { set(&by, what, &id, None).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    assert_consistent(&app).await;
}
