//! `updateTask`: absent differs from null, and other columns stay.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use crate::{
    graphql::{counters, task_with_overlap},
    support::{Answer, Client, TestApp},
};

async fn update(by: &Client, id: &str, input: Value) -> Answer {
    by.run_with(
        "mutation($id: ID!, $input: UpdateTaskInput!) {
           updateTask(id: $id, input: $input) { data meta overlap isLabeled updatedAt updatedBy { id } }
         }",
        json!({ "id": id, "input": input }),
    )
    .await
}

#[each_database]
async fn a_task_changes_only_where_it_was_told_to(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let max = app.member(&project, "max", Role::Manager).await;
    let mut expected = json!({ "data": { "text": "a" }, "meta": null, "overlap": 1 });
    for (field, value) in [
        ("data", json!({ "b": 1.0, "a": "é" })),
        ("meta", json!({ "z": [null] })),
        ("overlap", json!(3)),
        ("meta", json!(null)),
    ] {
        expected[field] = value.clone();
        let answer = update(&max, &task, json!({ field: value })).await;
        let after = &answer.data()["updateTask"];
        for field in ["data", "meta", "overlap"] {
            assert_eq!(after[field], expected[field], "{field}");
        }
        assert_eq!(after["updatedBy"]["id"], max.user_id);
    }
}

#[each_database]
async fn what_is_so_already_is_no_change(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let whole = json!({ "data": { "text": "b" }, "meta": {}, "overlap": 2 });
    update(&app.admin, &task, whole.clone()).await.ok();
    let before = app.dump().await;
    update(&app.admin, &task, whole).await.ok();
    update(&app.admin, &task, json!({})).await.ok();
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn another_overlap_counts_the_authors_anew(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let task = task_with_overlap(&app, &project, 1).await;
    app.annotation(&app.admin, &task, json!({})).await;
    for (overlap, is_labeled) in [(2, false), (1, true)] {
        let answer = update(&app.admin, &task, json!({ "overlap": overlap })).await;
        assert_eq!(answer.data()["updateTask"]["isLabeled"], is_labeled);
        assert_eq!(counters(&app.admin, &task).await, json!([is_labeled, 1, 0]));
    }
}

#[each_database]
async fn all_that_is_wrong_is_told_and_nothing_changes(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let before = app.dump().await;
    for (input, problems) in [
        (
            json!({ "data": null, "overlap": null }),
            vec![
                "input.data NULL_NOT_ALLOWED",
                "input.overlap NULL_NOT_ALLOWED",
            ],
        ),
        (
            json!({ "data": [], "meta": 1 }),
            vec!["input.data WRONG_TYPE", "input.meta WRONG_TYPE"],
        ),
        (
            json!({ "data": { "a": "\u{0}" }, "overlap": 0 }),
            vec!["input.overlap OUT_OF_BOUNDS"],
        ),
        (
            json!({ "data": { "$serde_json::private::Number": "1" } }),
            vec!["input.data.$serde_json::private::Number RESERVED_KEY"],
        ),
        (json!({ "nope": 1 }), vec!["input.nope UNKNOWN_FIELD"]),
    ] {
        let answer = update(&app.admin, &task, input).await;
        assert_eq!(answer.problems(), problems);
        assert_eq!(app.dump().await, before);
    }
    for nowhere in ["99", "abc", "0"] {
        assert_eq!(
            update(&app.admin, nowhere, json!({})).await.code(),
            "NOT_FOUND"
        );
    }
}
