//! Lists load `result` only when selected, by field, alias or fragment.

use std::sync::{Arc, Mutex};

use annograph::{
    app::App,
    config::ServeArgs,
    db::{Database, Options},
    server,
};
use clap::Parser;
use each_database::each_database;
use serde_json::json;

use crate::support::{Client, TestApp};

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    serve: ServeArgs,
}

/// The admin on a server of its own, and the text of every statement that it sends.
async fn observed(app: &TestApp) -> (Client, Arc<Mutex<Vec<String>>>) {
    let statements = Arc::new(Mutex::new(Vec::new()));
    let mut db = Database::connect(&Options::new(&app.url)).await.unwrap();
    let log = statements.clone();
    db.observe(move |statement| log.lock().unwrap().push(statement.sql.clone()));
    let router = server::router(
        App::new(db),
        &Defaults::parse_from(["test"]).serve,
        tokio_util::sync::CancellationToken::new(),
    )
    .unwrap();
    (
        Client {
            router,
            ..app.admin.clone()
        },
        statements,
    )
}

/// A count names the column, but reads no value of it.
fn reads_result(sql: &str) -> bool {
    sql.contains(r#""annotation"."result""#) && !sql.starts_with("SELECT COUNT(*)")
}

#[each_database]
async fn lists_that_are_not_asked_for_results_do_not_read_them(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    let (admin, statements) = observed(&app).await;
    for query in [
        "{ annotations { totalCount nodes { id regionCount version } edges { cursor node { createdUsername } } } }",
        "{ task(id: 1) { annotations { nodes { id regionCount } } } }",
        "{ project(id: 1) { annotations { nodes { id regionCount } } tasks { nodes { annotations { nodes { id } } } } } }",
        "query($no: Boolean = false) { annotations { nodes { id result @include(if: $no) } } }",
        "query($no: Boolean = false) { annotations { nodes { id regions @include(if: $no) { regionId } } } }",
    ] {
        statements.lock().unwrap().clear();
        admin.run(query).await.ok();
        let statements = statements.lock().unwrap().clone();
        assert!(
            statements.iter().any(|sql| sql.contains("annotation")),
            "{statements:#?}"
        );
        let reading: Vec<_> = statements.iter().filter(|sql| reads_result(sql)).collect();
        assert!(reading.is_empty(), "{query}: {reading:#?}");
    }
}

#[each_database]
async fn lists_that_are_asked_for_results_read_them_with_the_rows(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for _ in 0..3 {
        app.annotation(&app.admin, &task, json!({})).await;
    }
    let (admin, statements) = observed(&app).await;
    for query in [
        "{ annotations { nodes { result } } }",
        "{ annotations { edges { node { result } } } }",
        "{ annotations { nodes { regions { regionId } } } }",
        "{ annotations { edges { node { r: regions(ids: []) { regionId } } } } }",
        "{ task(id: 1) { annotations { nodes { ... on Annotation { regions { regionId } } result } } } }",
        "{ task(id: 1) { annotations { nodes { r: result } } } }",
        "query { annotations { ...page } } fragment page on AnnotationConnection { nodes { ...fields } } fragment fields on Annotation { result }",
    ] {
        statements.lock().unwrap().clear();
        admin.run(query).await.ok();
        let reading = statements
            .lock()
            .unwrap()
            .iter()
            .filter(|sql| reads_result(sql))
            .count();
        assert_eq!(reading, 1, "{query}");
    }
}

#[each_database]
async fn however_results_are_asked_for_they_are_the_stored_ones(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let stored = json!([{ "id": "r", "z": 1.0, "a": "ü" }]);
    app.annotation(&app.admin, &task, json!({ "result": stored }))
        .await;
    app.annotation(&app.admin, &task, json!({ "result": [] }))
        .await;
    let both = json!([{ "r": stored }, { "r": [] }]);
    for query in [
        "{ x: annotations { nodes { r: result } } }",
        "{ x: annotations { edges { nodes: cursor node { id } } nodes { ... { r: result } } } }",
        "{ x: annotations { ... on AnnotationConnection { nodes { ... on Annotation { r: result } } } } }",
        "{ x: annotations { ...page } } fragment page on AnnotationConnection { nodes { ...fields } } fragment fields on Annotation { r: result }",
        "query($yes: Boolean = true) { x: annotations { nodes { r: result @include(if: $yes) } } }",
        "query($no: Boolean = false) { x: annotations { nodes @skip(if: $no) { r: result @skip(if: $no) } } }",
        "{ plain: annotations { nodes { id } } x: annotations { nodes { r: result } } }",
    ] {
        let answer = app.admin.run(query).await;
        assert_eq!(answer.data()["x"]["nodes"], both, "{query}");
    }
    // Two questions of one list, one with results and one without.
    let query = "{ task(id: 1) { a: annotations { nodes { id } } b: annotations { nodes { r: result } } c: annotations { aliased: nodes { id r: result } } } }";
    let answer = app.admin.run(query).await;
    assert_eq!(answer.data()["task"]["b"]["nodes"], both);
    assert_eq!(answer.data()["task"]["c"]["aliased"][0]["r"], stored);
    // References to rows that a list has read without their results.
    let child =
        json!({ "result": [{ "id": "child" }], "parentAnnotationId": 1, "groundTruth": true });
    app.annotation(&app.admin, &task, child).await;
    let query = "{ annotations(first: 3) { nodes { id parentAnnotation { id r: result } task { groundTruth { r: result } } } } }";
    let answer = app.admin.run(query).await;
    let last = &answer.data()["annotations"]["nodes"][2];
    assert_eq!(last["parentAnnotation"], json!({ "id": "1", "r": stored }));
    assert_eq!(last["task"]["groundTruth"]["r"], json!([{ "id": "child" }]));
}
