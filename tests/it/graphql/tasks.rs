//! `createTasks`: all tasks or none.

mod delete;
mod moved_annotations;
mod update;

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

async fn create_tasks(by: &Client, project: &str, tasks: Value) -> Answer {
    by.run_with(
        "mutation($project: ID!, $tasks: [CreateTaskInput!]!) {
           createTasks(projectId: $project, tasks: $tasks) {
             id project { id } data meta overlap isLabeled totalAnnotations cancelledAnnotations
             totalPredictions groundTruth { id } updatedBy { id } importId annotations { totalCount }
           }
         }",
        json!({ "project": project, "tasks": tasks }),
    )
    .await
}

#[each_database]
async fn tasks_come_back_in_the_order_in_which_they_were_sent(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let tasks = json!([
        { "data": { "b": 1.0, "a": "é", "big": 18_446_744_073_709_551_615_u64 } },
        { "data": {}, "meta": { "z": [null], "a": 1 }, "overlap": 3 },
        { "data": { "text": "x" }, "meta": null },
    ]);
    let answer = create_tasks(&app.admin, &project, tasks).await;
    let task = |id: &str, data: Value, meta: Value, overlap: i32| {
        json!({
            "id": id, "project": { "id": project }, "data": data, "meta": meta, "overlap": overlap,
            "isLabeled": false, "totalAnnotations": 0, "cancelledAnnotations": 0,
            "totalPredictions": 0, "groundTruth": null, "updatedBy": { "id": "1" }, "importId": null,
            "annotations": { "totalCount": 0 },
        })
    };
    assert_eq!(
        answer.data(),
        &json!({ "createTasks": [
                task("2", json!({ "b": 1.0, "a": "é", "big": u64::MAX }), Value::Null, 1),
                task("3", json!({}), json!({ "z": [null], "a": 1 }), 3),
                task("4", json!({ "text": "x" }), Value::Null, 1),
            ] })
    );
    assert!(
        answer
            .text
            .contains(r#"{"b":1.0,"a":"é","big":18446744073709551615}"#),
        "{}",
        answer.text
    );
    let none = create_tasks(&app.admin, &project, json!([])).await;
    assert_eq!(none.data(), &json!({ "createTasks": [] }));
}

#[each_database]
async fn one_bad_task_stops_them_all(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let before = app.dump().await;
    let good = json!({ "data": {} });
    for (tasks, problems) in [
        (
            json!([good, { "data": [] }]),
            vec!["tasks.1.data WRONG_TYPE"],
        ),
        (json!([good, {}]), vec!["tasks.1.data REQUIRED"]),
        (json!([good, null]), vec!["tasks.1 NULL_NOT_ALLOWED"]),
        (
            json!([{ "data": null, "meta": "x" }]),
            vec!["tasks.0.data NULL_NOT_ALLOWED", "tasks.0.meta WRONG_TYPE"],
        ),
        (
            json!([{ "data": {}, "overlap": 0 }, good, { "data": {}, "overlap": -1 }]),
            vec![
                "tasks.0.overlap OUT_OF_BOUNDS",
                "tasks.2.overlap OUT_OF_BOUNDS",
            ],
        ),
        (
            json!([good, { "data": { "$serde_json::private::RawValue": "[" }, "overlap": 0 }]),
            vec![
                "tasks.1.data.$serde_json::private::RawValue RESERVED_KEY",
                "tasks.1.overlap OUT_OF_BOUNDS",
            ],
        ),
        (json!(vec![good.clone(); 1001]), vec!["tasks TOO_LONG"]),
    ] {
        let answer = create_tasks(&app.admin, &project, tasks).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        assert_eq!(answer.problems(), problems);
        assert_eq!(app.dump().await, before);
    }
    for nowhere in ["99", "abc", "0"] {
        let answer = create_tasks(&app.admin, nowhere, json!([good])).await;
        assert_eq!(answer.code(), "NOT_FOUND");
        assert_eq!(app.dump().await, before);
    }
}

#[each_database]
async fn a_thousand_tasks_come_at_once(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let tasks = vec![json!({ "data": { "text": "x" } }); 1000];
    let answer = app
        .admin
        .run_with(
            "mutation($project: ID!, $tasks: [CreateTaskInput!]!) {
               createTasks(projectId: $project, tasks: $tasks) { id }
             }",
            json!({ "project": project, "tasks": tasks }),
        )
        .await;
    assert_eq!(answer.data()["createTasks"].as_array().unwrap().len(), 1000);
    let count = app.admin.run("{ projects { nodes { taskCount } } }").await;
    assert_eq!(
        count.data()["projects"]["nodes"],
        json!([{ "taskCount": 1001 }])
    );
}

#[each_database]
async fn many_tasks_cost_no_more_statements_than_few(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let create = async |count: usize| {
        let tasks = vec![json!({ "data": { "text": "x" } }); count];
        let document = "mutation($project: ID!, $tasks: [CreateTaskInput!]!) {
          createTasks(projectId: $project, tasks: $tasks) { id }
        }";
        let variables = json!({ "project": project, "tasks": tasks });
        let (statements, answer) = app
            .statements(app.admin.run_with(document, variables))
            .await;
        let ids = answer.data()["createTasks"].as_array().unwrap().clone();
        assert_eq!(ids.len(), count);
        statements
    };
    assert_eq!(create(2).await, create(1_000).await);
}
