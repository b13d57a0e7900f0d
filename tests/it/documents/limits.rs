//! Operations that ask for too much are refused before anything runs.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::each_database;

#[tokio::test]
async fn fragments_that_multiply_are_refused() {
    each_database(async |app| {
        let doubling: String = (0..40)
            .map(|number| {
                let next = number + 1;
                format!("fragment f{number} on Query {{ ...f{next} ...f{next} }} ")
            })
            .collect();
        let document =
            format!("{{ ...f0 }} {doubling} fragment f40 on Query {{ viewer {{ id }} }}");
        let answer = app.admin.run(&document).await;
        assert_eq!(answer.code(), "LIMIT_EXCEEDED");
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json.get("data"), None);
    })
    .await;
}

#[tokio::test]
async fn deep_documents_are_refused() {
    each_database(async |app| {
        let nested = |levels: usize| {
            let open = "parentAnnotation { ".repeat(levels);
            format!(
                "{{ annotation(id: 1) {{ {open} id {} }} }}",
                "}".repeat(levels)
            )
        };
        app.admin.run(&nested(28)).await.ok();
        assert_eq!(app.admin.run(&nested(29)).await.code(), "LIMIT_EXCEEDED");
        assert_eq!(app.admin.run(&nested(90)).await.code(), "LIMIT_EXCEEDED");
    })
    .await;
}

#[tokio::test]
async fn pages_of_pages_are_bounded_by_what_they_could_hold() {
    each_database(async |app| {
        let document = "query($size: Int) {
          projects(first: $size) { nodes { tasks(first: $size) { nodes { annotations(first: $size) { nodes { id } } } } } }
        }";
        let small = app.admin.run_with(document, json!({ "size": 70 })).await;
        small.ok();
        let large = app.admin.run_with(document, json!({ "size": 100 })).await;
        assert_eq!(large.code(), "LIMIT_EXCEEDED");
        let message = large.error()["message"].as_str().unwrap();
        assert!(message.contains("1010100 items"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn lists_in_filters_are_bounded_wherever_they_come_from() {
    each_database(async |app| {
        let ids: Vec<String> = (1..=1_001).map(|id: u32| id.to_string()).collect();
        let whole =
            "query($filter: AnnotationFilter) { annotations(filter: $filter) { totalCount } }";
        let part =
            "query($ids: [ID!]) { annotations(filter: { id: { in: $ids } }) { totalCount } }";
        let refused = ["filter.id.in TOO_LONG"];
        let answer = app
            .admin
            .run_with(whole, json!({ "filter": { "id": { "in": ids } } }))
            .await;
        assert_eq!(answer.problems(), refused);
        let answer = app.admin.run_with(part, json!({ "ids": ids })).await;
        assert_eq!(answer.problems(), refused);
        let answer = app.admin.run_with(part, json!({ "ids": ids[1..] })).await;
        answer.ok();
    })
    .await;
}

#[tokio::test]
async fn large_filters_of_nested_lists_are_answered() {
    each_database(async |app| {
        let (project, _) = app.project_with_task().await;
        for _ in 0..40 {
            app.task(&project).await;
        }
        let ids: Vec<String> = (1..=1_000).map(|id: u32| id.to_string()).collect();
        let answer = app
            .admin
            .run_with(
                "query($ids: [ID!]) {
                   tasks { nodes { annotations(filter: { id: { in: $ids } }) { nodes { id } } } }
                 }",
                json!({ "ids": ids }),
            )
            .await;
        assert_eq!(
            answer.data()["tasks"]["nodes"].as_array().unwrap().len(),
            41
        );
    })
    .await;
}

#[tokio::test]
async fn a_part_of_any_length_can_be_looked_for() {
    each_database(async |app| {
        let answer = app
            .admin
            .run_with(
                "query($part: String!) { projects(filter: { title: { contains: $part } }) { totalCount } }",
                json!({ "part": "x".repeat(60_000) }),
            )
            .await;
        assert_eq!(answer.data()["projects"]["totalCount"], 0);
    })
    .await;
}
