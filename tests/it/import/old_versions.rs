//! Items of old versions of Label Studio: former keys, spellings of times, and misspelled keys.

use annograph::{domain::import::Failure, error::dotted};
use each_database::each_database;
use entity::task;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use super::{annotations, export_text, import_text, notes, tasks};
use crate::support::TestApp;

#[each_database]
async fn completions_are_annotations(test: TestApp) {
    let file = json!([{
        "id": 1,
        "data": { "text": "a" },
        "completions": [
            { "id": 1001, "created_at": 1600000000, "lead_time": 3.5, "result": [{ "id": "r" }] },
            { "id": 1002, "created_at": 1600000000.25, "result": [], "skipped": true },
            { "id": 1003, "result": [], "honeypot": true, "parent_annotation": 7 },
        ],
        "annotations": [],
    }])
    .to_string();
    let summary = import_text(&test.app, file).await.unwrap();
    assert_eq!(summary.counts.annotations, 3);
    assert_eq!(
        notes(&summary),
        [
            "0.completions.2.parent_annotation: the file has no annotation 7: now null",
            "0.completions: the name before Label Studio 1.0: read as `annotations`",
            "0.completions.0.created_at: is a number: read as seconds since 1970-01-01T00:00:00Z",
            "0.completions.1.created_at: is a number: read as seconds since 1970-01-01T00:00:00Z",
        ]
    );
    let rows = annotations(&test.app).await;
    let told = rows.iter().map(|row| {
        (
            row.import_id,
            row.was_cancelled,
            row.ground_truth,
            row.result.as_str(),
        )
    });
    let expected = [
        (Some(1001), false, false, "[{\"id\":\"r\"}]"),
        (Some(1002), true, false, "[]"),
        (Some(1003), false, true, "[]"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(rows[0].created_at.to_rfc3339(), "2020-09-13T12:26:40+00:00");
    assert_eq!(
        rows[1].created_at.to_rfc3339(),
        "2020-09-13T12:26:40.250+00:00"
    );
    assert_eq!(rows[0].lead_time, Some(3.5));
    let task = &tasks(&test.app).await[0];
    assert_eq!((task.total_annotations, task.cancelled_annotations), (2, 1));
    let exported = export_text(&test.app, summary.project_id).await;
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported[0]["annotations"].as_array().unwrap().len(), 3);
    assert_eq!(exported[0]["completions"], Value::Null);
}

#[each_database]
async fn times_without_an_offset_are_utc(test: TestApp) {
    let file = json!([{
            "data": {},
            "created_at": "2024-05-06T07:08:09.123456",
            "updated_at": "2024-05-06 07:08:10",
            "annotations": [{ "result": [], "created_at": "2024-05-06T07:08:09", "draft_created_at": "2024-05-06T07:08:09Z" }],
            "predictions": [{ "result": [], "updated_at": "2024-05-06T07:08:09+02:00" }],
        }])
        .to_string();
    let summary = import_text(&test.app, file).await.unwrap();
    assert_eq!(
        notes(&summary),
        [
            "0.created_at: has no offset: read as UTC",
            "0.updated_at: has no offset: read as UTC",
            "0.annotations.0.created_at: has no offset: read as UTC",
        ]
    );
    let row = task::Entity::find()
        .order_by_asc(task::Column::Id)
        .one(test.app.db.writer())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row.created_at.to_rfc3339(),
        "2024-05-06T07:08:09.123456+00:00"
    );
    assert_eq!(row.updated_at.to_rfc3339(), "2024-05-06T07:08:10+00:00");
}

/// The problems of a file, each as `0.data: sentence`; nothing of it may be kept.
async fn refused(test: &TestApp, file: &Value) -> Vec<String> {
    let before = test.dump().await;
    let Err(Failure::Refused(problems)) = import_text(&test.app, file.to_string()).await else {
        panic!("{file} was imported");
    };
    assert_eq!(test.dump().await, before);
    let line = |problem: &annograph::error::Problem| {
        format!("{}: {}", dotted(&problem.path), problem.message)
    };
    problems.told.iter().map(line).collect()
}

#[each_database]
async fn times_that_are_none_are_refused(test: TestApp) {
    let file = json!([
        { "data": {}, "created_at": "yesterday" },
        { "data": {}, "created_at": "2024-05-06" },
        { "data": {}, "created_at": "0000-05-06T07:08:09" },
        { "data": {}, "created_at": "12024-05-06T07:08:09" },
        { "data": {}, "created_at": 1e300 },
        { "data": {}, "created_at": -1e12 },
    ]);
    let expected = "must be a time as RFC 3339 has it, in the years 1 to 9999";
    let expected: Vec<String> = (0..6)
        .map(|item| format!("{item}.created_at: {expected}"))
        .collect();
    assert_eq!(refused(&test, &file).await, expected);
    let file = json!([{ "data": {}, "created_at": true }, { "data": {}, "created_at": {} }]);
    let expected = [0, 1].map(|item| format!("{item}.created_at: must be a string"));
    assert_eq!(refused(&test, &file).await, expected);
}

#[each_database]
async fn keys_that_are_nearly_those_of_a_list_are_noted_and_kept(test: TestApp) {
    let file = json!([{
        "data": { "annotation": "of the data" },
        "annotation": { "result": [] }, "prediction": [{ "result": [] }], "Annotations": [],
        "anotations": [], "completion": {}, "draft": 1, "inner_id": 3, "file_upload": "x",
        "comment_count": 0,
    }]);
    let summary = import_text(&test.app, file.to_string()).await.unwrap();
    let note = |key: &str, list: &str| format!("0.{key}: kept as it is, and not read as `{list}`");
    assert_eq!(
        notes(&summary),
        [
            note("annotation", "annotations"),
            note("prediction", "predictions"),
            note("Annotations", "annotations"),
            note("anotations", "annotations"),
            note("completion", "completions"),
            note("draft", "drafts"),
        ]
    );
    let exported = export_text(&test.app, summary.project_id).await;
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported[0]["annotation"], json!({ "result": [] }));
    // The data alone may have any column.
    let file = json!([{ "text": "a", "prediction": "cat", "annotations": 3 }]);
    let summary = import_text(&test.app, file.to_string()).await.unwrap();
    assert_eq!(notes(&summary), [""; 0]);
    let file = json!([{ "image": "a.png", "annotations": [{ "bbox": [1, 2] }] }]);
    let summary = import_text(&test.app, file.to_string()).await.unwrap();
    let note = "0.annotations: the item has no `data`: this is part of the task's data";
    assert_eq!(notes(&summary), [note]);
}

#[each_database]
async fn results_beside_no_data_are_refused(test: TestApp) {
    let file = json!([
        { "image": "a.png", "annotations": [7, { "result": [] }] },
        { "image": "a.png", "predictions": [{ "result": null }] },
        { "data": {} },
        { "completions": [{ "result": [] }] },
        { "data": {}, "completions": [{ "result": [] }], "annotations": [{ "result": [] }] },
    ]);
    let missing = |item: usize, list: &str| {
        format!("{item}.data: is missing: `{list}` belongs beside a task's `data`")
    };
    assert_eq!(
        refused(&test, &file).await,
        [
            missing(0, "annotations"),
            missing(1, "predictions"),
            missing(3, "completions"),
            "4.completions: the item has `annotations` too: only one of them can count".to_owned(),
        ]
    );
}

#[each_database]
async fn a_call_reads_old_items_alike(test: TestApp) {
    let (project, _) = test.project_with_task().await;
    let import = "mutation($project: ID!, $tasks: [JSONObject!]!) {
        importTasks(projectId: $project, tasks: $tasks) { annotationCount notes { path code message } } }";
    let tasks = json!([
        { "data": {}, "created_at": "2024-05-06T07:08:09", "completions": [{ "result": [] }], "prediction": 1 },
    ]);
    let variables = json!({ "project": project, "tasks": tasks });
    let answer = test.admin.run_with(import, variables).await;
    let note = |key: &str, message: &str| json!({ "path": ["tasks", 0, key], "code": null, "message": message });
    let expected = json!({
        "annotationCount": 1,
        "notes": [
            note("created_at", "has no offset: read as UTC"),
            note("completions", "the name before Label Studio 1.0: read as `annotations`"),
            note("prediction", "kept as it is, and not read as `predictions`"),
        ],
    });
    assert_eq!(answer.data()["importTasks"], expected);
    let before = test.dump().await;
    let tasks = json!([{ "image": "a", "annotations": [{ "result": [] }] }]);
    let variables = json!({ "project": project, "tasks": tasks });
    let answer = test.admin.run_with(import, variables).await;
    let problem = &answer.json["errors"][0]["extensions"]["problems"][0];
    assert_eq!(problem["path"], json!(["tasks", 0, "data"]));
    assert_eq!(problem["code"], "REQUIRED");
    assert_eq!(test.dump().await, before);
}
