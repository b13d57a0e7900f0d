//! Annotations that were moved out of a project before its deletion.

use each_database::each_database;
use entity::annotation_revision::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::delete::delete_project;
use crate::{
    graphql::{delete, restore, revisions, row, update},
    support::{Client, TestApp},
};

async fn at(by: &Client, id: &str, version: i32) -> Value {
    let query = "query($id: ID!, $version: Int!) {
      annotationAt(id: $id, version: $version) { result leadTime groundTruth } }";
    let variables = json!({ "id": id, "version": version });
    let answer = by.run_with(query, variables).await;
    answer.data()["annotationAt"].clone()
}

/// A hidden annotation, and one that moved from a deleted project, at version 3.
async fn scene(app: &TestApp) -> String {
    let (_, hidden) = app.project_with_task().await;
    let (project, task) = app.project_with_task().await;
    let (_, elsewhere) = app.project_with_task().await;
    let secret = json!([{ "id": "secret" }]);
    app.annotation(&app.admin, &hidden, json!({ "result": secret }))
        .await;
    let result = json!([{ "id": "a" }, { "id": "b" }]);
    let id = app
        .annotation(&app.admin, &task, json!({ "result": result }))
        .await;
    update(&app.admin, &id, json!({ "taskId": elsewhere }))
        .await
        .ok();
    update(&app.admin, &id, json!({ "leadTime": 2 })).await.ok();
    delete_project(&app.admin, &project).await.ok();
    id
}

#[each_database]
async fn their_history_goes_on_from_where_they_left(app: TestApp) {
    let id = scene(&app).await;
    let both = json!([{ "id": "a" }, { "id": "b" }]);
    assert_eq!(at(&app.admin, &id, 1).await, Value::Null);
    for (version, lead_time) in [(2, Value::Null), (3, json!(2.0))] {
        let expected = json!({ "result": both, "leadTime": lead_time, "groundTruth": false });
        assert_eq!(at(&app.admin, &id, version).await, expected);
    }
    // Who saw version 2 removes a region, and that is what becomes of it.
    let removed = json!({
        "result": [{ "id": "a" }], "expectedVersion": 2, "onConflict": "MERGE",
    });
    update(&app.admin, &id, removed).await.ok();
    assert_eq!(row(&app, &id).await.result, r#"[{"id":"a"}]"#);
    restore(&app.admin, &id, 2, None).await.ok();
    let now = row(&app, &id).await;
    assert_eq!(
        (now.result.as_str(), now.lead_time),
        (r#"[{"id":"a"},{"id":"b"}]"#, None)
    );
    delete(&app.admin, &id).await.ok();
    restore(&app.admin, &id, 3, None).await.ok();
    assert_eq!(row(&app, &id).await.completed_by_id, Some(1));
    assert_eq!(revisions(&app, &id).await[0].version, 2);
}

#[each_database]
async fn what_has_no_beginning_is_not_known_and_tells_of_nothing_else(app: TestApp) {
    let id = scene(&app).await;
    // As an older version of this server left it.
    Entity::update_many()
        .col_expr(Column::Changes, Expr::val(r#"{"task":"3","project":"3"}"#))
        .col_expr(Column::Result, Expr::val(None::<String>))
        .filter(Column::AnnotationId.eq(id.parse::<i64>().unwrap()))
        .filter(Column::Version.eq(2))
        .exec(app.app.db.writer())
        .await
        .unwrap();
    for version in [1, 2, 3] {
        assert_eq!(at(&app.admin, &id, version).await, Value::Null, "{version}");
    }
    let before = app.dump().await;
    let answer = restore(&app.admin, &id, 3, None).await;
    assert_eq!(answer.problems(), ["version UNKNOWN_VERSION"]);
    let merge = json!({ "result": [], "expectedVersion": 2, "onConflict": "MERGE" });
    assert_eq!(update(&app.admin, &id, merge).await.code(), "CONFLICT");
    assert_eq!(app.dump().await, before);
}
