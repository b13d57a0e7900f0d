//! At most one ground truth per task.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::super::{read, row, update};
use crate::support::TestApp;

#[each_database]
async fn setting_it_clears_the_other_one_with_a_revision_of_its_own(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let rita = app.member(&project, "rita", Role::Reviewer).await;
    let elsewhere = app.task(&project).await;
    let untouched = app
        .annotation(&app.admin, &elsewhere, json!({ "groundTruth": true }))
        .await;
    let old = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let new = app.annotation(&app.admin, &task, json!({})).await;
    let answer = update(&rita, &new, json!({ "groundTruth": true })).await;
    assert_eq!(answer.data()["updateAnnotation"]["groundTruth"], true);

    let lost = read(&app.admin, &old).await;
    assert_eq!(lost["groundTruth"], false);
    assert_eq!(lost["version"], 2);
    assert_eq!(lost["lastAction"], "UPDATED");
    assert_eq!(lost["updatedBy"]["id"], rita.user_id);
    assert_eq!(lost["lastCreatedBy"]["id"], rita.user_id);
    assert_eq!(
        lost["updatedAt"],
        answer.data()["updateAnnotation"]["updatedAt"]
    );
    let revision = json!({
        "version": 2, "action": "UPDATED", "actor": { "id": rita.user_id },
        "changedFields": ["groundTruth"],
    });
    assert_eq!(lost["history"]["nodes"][1], revision);
    assert_eq!(read(&app.admin, &untouched).await["version"], 1);

    let ground_truth = async || -> Value {
        let query = "query($id: ID!) { task(id: $id) { groundTruth { id } } }";
        let answer = app.admin.run_with(query, json!({ "id": task })).await;
        answer.data()["task"]["groundTruth"].clone()
    };
    assert_eq!(ground_truth().await, json!({ "id": new }));
    // Taking it back gives it to nobody.
    update(&app.admin, &new, json!({ "groundTruth": false }))
        .await
        .ok();
    assert_eq!(ground_truth().await, Value::Null);
    assert!(!row(&app, &old).await.ground_truth);
}

#[each_database]
async fn a_refused_change_takes_it_from_nobody(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    for input in [
        json!({ "groundTruth": true, "leadTime": -1 }),
        json!({ "groundTruth": true, "completedById": "99" }),
        json!({ "groundTruth": true, "expectedVersion": 7 }),
        json!({ "groundTruth": "false" }),
    ] {
        let answer = update(&app.admin, &id, input.clone()).await;
        assert!(
            ["BAD_USER_INPUT", "CONFLICT"].contains(&answer.code()),
            "{input}"
        );
        assert_eq!(app.dump().await, before, "{input}");
    }
}
