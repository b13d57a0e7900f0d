//! Skipping and ground truth: the mutations for single flags.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::{ANNOTATION, counters, row, update};
use crate::support::{Answer, Client, TestApp};

pub async fn set(by: &Client, what: &str, id: &str, expected: Option<i32>) -> Answer {
    let query = format!(
        "mutation($id: ID!, $expected: Int) {{
           {what}(id: $id, expectedVersion: $expected) {{ {ANNOTATION} }} }}"
    );
    by.run_with(&query, json!({ "id": id, "expected": expected }))
        .await
}

#[each_database]
async fn each_name_is_a_change_of_one_flag(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let rival = app
        .annotation(&ann, &task, json!({ "wasCancelled": true }))
        .await;
    for (by, what, field, value, action, counted) in [
        (
            &ann,
            "skipAnnotation",
            "wasCancelled",
            true,
            "SKIPPED",
            json!([false, 0, 2]),
        ),
        (
            &ann,
            "unskipAnnotation",
            "wasCancelled",
            false,
            "UPDATED",
            json!([true, 1, 1]),
        ),
        (
            &app.admin,
            "setGroundTruth",
            "groundTruth",
            true,
            "UPDATED",
            json!([true, 1, 1]),
        ),
        (
            &app.admin,
            "unsetGroundTruth",
            "groundTruth",
            false,
            "UPDATED",
            json!([true, 1, 1]),
        ),
    ] {
        let version = row(&app, &id).await.version;
        let late = set(by, what, &id, Some(version + 1)).await;
        assert_eq!(late.code(), "CONFLICT");
        let answer = set(by, what, &id, Some(version)).await;
        let annotation = &answer.data()[what];
        assert_eq!(annotation[field], value);
        assert_eq!(annotation["lastAction"], action);
        assert_eq!(annotation["version"], version + 1);
        let item = &annotation["history"]["nodes"][usize::try_from(version).unwrap()];
        assert_eq!(item["changedFields"], json!([field]));
        assert_eq!(counters(&ann, &task).await, counted);
        // What is so already is no change.
        let before = app.dump().await;
        let again = set(by, what, &id, None).await;
        assert_eq!(again.data()[what]["version"], version + 1);
        assert_eq!(app.dump().await, before);
    }
    set(&app.admin, "setGroundTruth", &id, None).await.ok();
    set(&app.admin, "setGroundTruth", &rival, None).await.ok();
    assert!(!row(&app, &id).await.ground_truth);
    assert!(row(&app, &rival).await.ground_truth);
    assert_eq!(
        set(&app.admin, "skipAnnotation", "99", None).await.code(),
        "NOT_FOUND"
    );
}

#[each_database]
async fn what_is_wrong_with_it_is_told_at_the_id(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    update(&app.admin, &id, json!({ "wasCancelled": true }))
        .await
        .ok();
    let config = "<View><Text name='t' value='$text'/><Choices name='c' toName='t' required='true'><Choice value='a'/></Choices></View>";
    let query = "mutation($id: ID!, $config: String!) {
        updateProject(id: $id, input: { labelConfig: $config, checkMode: STRICT }, force: true) { id } }";
    let variables: Value = json!({ "id": project, "config": config });
    app.admin.run_with(query, variables).await.ok();
    let before = app.dump().await;
    let answer = set(&app.admin, "unskipAnnotation", &id, None).await;
    assert_eq!(answer.problems(), ["id UNFIT_RESULT"]);
    assert_eq!(app.dump().await, before);
}
