//! JSON Lines: an item per line.

use annograph::domain::import::Failure;
use each_database::each_database;
use serde_json::{Value, json};

use super::{
    command::{annograph, text},
    export_text, import_text, notes,
};
use crate::support::TestApp;

const REPORTED: &str = include_str!("../../fixtures/reports/tasks.jsonl");

#[each_database]
async fn each_line_is_a_task(test: TestApp) {
    let windows = format!("\u{feff}{}\r\n\r\n", REPORTED.replace('\n', "\r\n\r\n"));
    let list = format!("[{}]", REPORTED.trim().replace('\n', ","));
    let mut exports = Vec::new();
    for file in [REPORTED, &windows, &list] {
        let summary = import_text(&test.app, file).await.unwrap();
        assert_eq!(summary.counts.tasks, 3);
        assert_eq!(summary.counts.predictions, 1);
        assert_eq!(notes(&summary), [""; 0]);
        let exported = export_text(&test.app, summary.project_id).await;
        let tasks: Value = serde_json::from_str(&exported).unwrap();
        let tasks = tasks.as_array().unwrap().iter();
        let told = tasks.map(|task| {
            let result = &task["predictions"][0]["result"];
            json!([task["import_id"], task["data"], result])
        });
        exports.push(told.collect::<Vec<_>>());
    }
    assert_eq!(exports[0][0][0], 205129881);
    assert_eq!(
        exports[0][2][1],
        json!({ "au": "https://sounds.example/3.wav" })
    );
    assert_eq!(exports[1], exports[0]);
    assert_eq!(exports[2], exports[0]);
}

#[each_database]
async fn one_object_is_one_task_however_it_is_laid_out(test: TestApp) {
    for file in ["{\"data\": {}}", "{\n  \"data\": {\n  }\n}\n"] {
        let summary = import_text(&test.app, file).await.unwrap();
        assert_eq!(summary.counts.tasks, 1);
    }
    let pretty = "{\n  \"data\": {}\n}\n{\n  \"data\": {}\n}";
    let summary = import_text(&test.app, pretty).await.unwrap();
    assert_eq!(summary.counts.tasks, 2);
}

#[each_database]
async fn problems_are_told_by_item_and_line(test: TestApp) {
    let before = test.dump().await;
    let file = "{\"data\": {}}\n\n{\"data\": 1}\n{\"data\": {\n  {\"data\": {}, \"annotations\": [{}]}\n7\n\
        {\"data\": {}, \"annotations\": [{\"result\": [], \"completed_by\": {\"id\": 1, \"email\": \"a@b.c\"}}]}\n\
        {\"data\": {}, \"annotations\": [{\"result\": [], \"completed_by\": {\"id\": 1, \"email\": \"x@b.c\"}}]}\n";
    let Err(Failure::Refused(problems)) = import_text(&test.app, file).await else {
        panic!("it was imported");
    };
    let places = problems.told.iter().map(|problem| {
        let location = problem.location.unwrap();
        (problem.path[0].clone(), location.line, location.column)
    });
    let expected = [(1, 3, 1), (2, 4, 1), (3, 5, 3), (4, 6, 1), (6, 8, 1)];
    let expected = expected.map(|(item, line, column)| (item.into(), line, column));
    assert_eq!(places.collect::<Vec<_>>(), expected);
    assert_eq!(test.dump().await, before);

    let output = annograph(&test, &["import", "-", "--title", "T"], file);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<&str> = text(&output.stderr).lines().collect();
    assert_eq!(lines[0], "item 1 (line 3), data: must be an object");
    assert_eq!(
        lines[2],
        "item 3 (line 5), annotations.0.result: is missing"
    );
    let output = annograph(&test, &["import", "-", "--title", "T", "--json"], file);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &json["problems"][0];
    assert_eq!((&first["line"], &first["column"]), (&json!(3), &json!(1)));
    assert_eq!(test.dump().await, before);
}

#[each_database]
async fn notes_are_told_by_item_and_line(test: TestApp) {
    let file = "{\"data\": {}}\n{\"data\": {}, \"created_at\": \"2024-05-06T07:08:09\", \
        \"annotations\": [{\"result\": [], \"parent_annotation\": 9}]}\n";
    let output = annograph(&test, &["import", "-", "--title", "T"], file);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "  item 1 (line 2), annotations.0.parent_annotation: the file has no annotation 9: now null",
            "  item 1 (line 2), created_at: has no offset: read as UTC",
        ]
    );
}
