//! Effect of changes of an annotation on drafts of the annotation.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::{all, saved};
use crate::{
    graphql::{delete, draft, restore, row, update},
    support::{Client, TestApp},
};

/// An annotation of ann's, of which she and the admin have drafts.
async fn annotation(app: &TestApp) -> (Client, String, String) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    draft(app, &ann, &task, Some(&id)).await;
    saved(&ann, json!({ "annotationId": id, "result": [] })).await;
    saved(&ann, json!({ "taskId": task, "result": [] })).await;
    let theirs = saved(&app.admin, json!({ "annotationId": id, "result": [] })).await;
    (ann, id, theirs)
}

async fn drafts_of(app: &TestApp, annotation: &str) -> Vec<String> {
    let id: i64 = annotation.parse().unwrap();
    let rows = all(app).await;
    let rows = rows.iter().filter(|row| row.annotation_id == Some(id));
    rows.map(|row| row.id.to_string()).collect()
}

#[each_database]
async fn who_changes_an_annotation_loses_their_drafts_of_it_alone(app: TestApp) {
    let (ann, id, theirs) = annotation(&app).await;
    update(&ann, &id, json!({ "leadTime": 9 })).await.ok();
    assert_eq!(drafts_of(&app, &id).await, [theirs]);
    // And keeps the one of the task.
    assert_eq!(all(&app).await.len(), 2);
}

#[each_database]
async fn a_result_that_changes_nothing_is_handed_in_all_the_same(app: TestApp) {
    let (ann, id, theirs) = annotation(&app).await;
    let before = app.dump().await;
    for nothing in [json!({}), json!({ "wasCancelled": false })] {
        update(&ann, &id, nothing).await.ok();
        assert_eq!(app.dump().await, before);
    }
    let refused = update(&ann, &id, json!({ "result": [], "expectedVersion": 7 })).await;
    assert_eq!(refused.code(), "CONFLICT");
    assert_eq!(app.dump().await, before);
    let was = row(&app, &id).await;
    let same = json!({ "result": [{ "id": "r1", "value": { "x": 1 } }] });
    let answer = update(&ann, &id, same.clone()).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 1);
    assert_eq!(row(&app, &id).await, was);
    assert_eq!(drafts_of(&app, &id).await, [theirs]);
    // Without a draft it leaves no trace at all.
    let before = app.dump().await;
    update(&ann, &id, same).await.ok();
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn restoring_keeps_drafts_and_deleting_takes_all(app: TestApp) {
    let (ann, id, _) = annotation(&app).await;
    update(&app.admin, &id, json!({ "leadTime": 9 })).await.ok();
    let before = drafts_of(&app, &id).await;
    assert_eq!(before.len(), 2);
    restore(&ann, &id, 1, None).await.ok();
    assert_eq!(row(&app, &id).await.version, 3);
    assert_eq!(drafts_of(&app, &id).await, before);
    delete(&ann, &id).await.ok();
    assert_eq!(drafts_of(&app, &id).await, Vec::<String>::new());
    assert_eq!(all(&app).await.len(), 1);
}
