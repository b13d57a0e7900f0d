//! `deleteAnnotations`.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::{
    super::{counters, restore, update},
    delete_all, problems, words,
};
use crate::support::TestApp;

#[each_database]
async fn every_item_has_its_outcome(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let mine = app.annotation(&ann, &task, json!({})).await;
    let late = app.annotation(&ann, &task, json!({})).await;
    let other = app.annotation(&app.admin, &task, json!({})).await;
    update(&ann, &late, json!({ "leadTime": 1 })).await.ok();
    let items = json!([
        { "id": mine, "expectedVersion": 1 },
        { "id": late, "expectedVersion": 1 },
        { "id": other },
        { "id": "999" },
        { "id": mine },
    ]);
    let before = app.dump().await;
    let answer = delete_all(&ann, &items, "REJECT_ALL").await;
    let mut expected = [
        "spared",
        "CONFLICT",
        "FORBIDDEN",
        "NOT_FOUND",
        "BAD_USER_INPUT",
    ];
    assert_eq!(words(&answer), expected);
    assert_eq!(
        problems(&answer, 4),
        json!([{ "path": ["items", 4, "id"], "code": "REPEATED" }])
    );
    assert_eq!(app.dump().await, before);
    let answer = delete_all(&ann, &items, "REJECT_FAILED").await;
    expected[0] = "written";
    assert_eq!(words(&answer), expected);
    assert_eq!(
        answer.data()["outcomes"][0]["deleted"],
        json!({ "id": mine, "version": 2, "taskId": task })
    );
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 0]));
    restore(&ann, &mine, 1, None).await.ok();
    assert_eq!(counters(&app.admin, &task).await, json!([true, 3, 0]));
}

#[each_database]
async fn a_hundred_items_cost_as_many_statements_as_ten(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let mut costs = Vec::new();
    for count in [10, 100] {
        let mut items = Vec::new();
        for _ in 0..count {
            let task = app.task(&project).await;
            let id = app.annotation(&app.admin, &task, json!({})).await;
            items.push(json!({ "id": id }));
        }
        let query = "mutation($items: [DeleteAnnotationItem!]!) {
          deleteAnnotations(items: $items) { deleted { version } error { code } } }";
        let variables = json!({ "items": items });
        let (statements, answer) = app.statements(app.admin.run_with(query, variables)).await;
        answer.ok();
        costs.push(statements);
    }
    assert_eq!(costs[0], costs[1]);
}
