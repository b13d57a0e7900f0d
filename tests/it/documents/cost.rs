//! Cost of a document: introspection, and the objects of the response.

use each_database::each_database;
use serde_json::json;

use super::limits::exceeded;
use crate::support::TestApp;

#[each_database]
async fn introspection_has_a_depth_of_its_own(app: TestApp) {
    let client = app.serving(&["--max-depth", "3"]).unwrap();
    client.run(super::introspection::STANDARD).await.ok();
    let nested = |lists: usize| {
        let open = "type { fields { ".repeat(lists - 1);
        let close = "} }".repeat(lists - 1);
        format!("{{ __schema {{ types {{ fields {{ {open} name {close} }} }} }} }}")
    };
    client.run(&nested(2)).await.ok();
    let answer = client.run(&nested(3)).await;
    assert_eq!(exceeded(&answer), ("introspectionDepth".to_owned(), 2, 3));
    let evasion =
        "{ __type(name: \"Query\") { ...f } } fragment f on __Type { fields { type { ...g } } }
      fragment g on __Type { ... { fields { type { interfaces { name } } } } }";
    assert_eq!(exceeded(&client.run(evasion).await).0, "introspectionDepth");
}

#[each_database]
async fn an_operation_costs_what_its_answer_could_hold(app: TestApp) {
    for (document, variables, cost) in [
        ("{ __typename }", json!({}), 0),
        ("{ viewer { id username } }", json!({}), 1),
        ("{ task(id: 1) { project { id } } }", json!({}), 2),
        ("{ tasks { nodes { id } } }", json!({}), 51),
        (
            "{ task(id: 1) { annotations { nodes { id } } } }",
            json!({}),
            1 + 21,
        ),
        ("{ tasks(first: 0) { totalCount } }", json!({}), 1_001),
        (
            "{ tasks(first: 0) { a: totalCount ...f } } fragment f on TaskConnection { totalCount }",
            json!({}),
            2_001,
        ),
        (
            "{ projects(first: 2) { nodes { taskCount annotationCount } } }",
            json!({}),
            1 + 2 * 2_001,
        ),
        (
            "{ task(id: 1) { annotations(first: 0) { totalCount } } }",
            json!({}),
            2,
        ),
        (
            "{ task(id: 1) { annotations(first: 0, filter: { id: { eq: 1 } }) { totalCount } } }",
            json!({}),
            1_002,
        ),
        (
            "query($f: AnnotationFilter) { task(id: 1) { annotations(first: 0, filter: $f) { totalCount } } }",
            json!({ "f": {} }),
            2,
        ),
        (
            "query($f: AnnotationFilter) { task(id: 1) { annotations(first: 0, filter: $f) { totalCount } } }",
            json!({ "f": { "wasCancelled": true } }),
            1_002,
        ),
        (
            "{ annotations(first: 0) { ...f } task(id: 1) { annotations(first: 0) { ...f } } }
          fragment f on AnnotationConnection { totalCount }",
            json!({}),
            1_001 + 2,
        ),
        (
            "{ task(id: 1) { annotations(first: 1) { nodes { history(first: 0) { totalCount } } } } }",
            json!({}),
            1 + 1 + 1 + 1_001,
        ),
        ("{ tasks(first: 10) { nodes { id } } }", json!({}), 11),
        (
            "{ tasks(first: 10) { nodes { id } pageInfo { hasNextPage } } }",
            json!({}),
            11,
        ),
        (
            "{ tasks(first: 10) { edges { node { project { id } } } } }",
            json!({}),
            21,
        ),
        (
            "{ tasks(last: 10) { nodes { annotations(first: 5) { nodes { id } } } } }",
            json!({}),
            71,
        ),
        (
            "query($n: Int) { tasks(first: $n) { nodes { id } } }",
            json!({ "n": 3 }),
            4,
        ),
        (
            "query($n: Int = 7) { tasks(first: $n) { nodes { id } } }",
            json!({}),
            8,
        ),
        (
            "query($n: Int = 7) { tasks(first: $n) { nodes { id } } }",
            json!({ "n": null }),
            51,
        ),
        (
            "{ tasks(first: 10) { nodes { ...f } } } fragment f on Task { ... { project { id } } }",
            json!({}),
            21,
        ),
        (
            "{ a: viewer { id } b: viewer { id } c: viewer @skip(if: true) { id } }",
            json!({}),
            3,
        ),
        (
            "{ tasks(first: 1) { nodes { predictions { id } } } }",
            json!({}),
            13,
        ),
        (
            "{ project(id: 1) { controls { name labels { stored } objects { name } } } }",
            json!({}),
            2 + 10 * (1 + 101 + 11),
        ),
        (
            "{ tasks(first: 10) { nodes { id agreement iou: agreement(metric: IOU) } } }",
            json!({}),
            1 + 10 * 201,
        ),
        (
            "{ annotation(id: 1) { ...f } } fragment f on Annotation { agreementWith(id: 2) }",
            json!({}),
            101,
        ),
        (
            "query($r: [_Any!]!) { _entities(representations: $r) { ... on Task { project { id } } } }",
            json!({ "r": [{ "__typename": "Task", "id": 1 }, { "__typename": "Task", "id": 2 }] }),
            5,
        ),
    ] {
        let mut body = json!({ "query": document, "variables": variables });
        let untold = app.admin.post(body.to_string()).await.ok();
        assert_eq!(untold.json.get("extensions"), None);
        body["extensions"] = json!({ "cost": true });
        let told = app.admin.post(body.to_string()).await.ok();
        let expected = json!({ "cost": { "requested": cost, "limit": 500_000 } });
        assert_eq!(told.json["extensions"], expected, "{document}");
    }
}

#[each_database]
async fn pages_of_pages_are_bounded_by_what_they_could_hold(app: TestApp) {
    let document = "query($size: Int) {
      projects(first: $size) { nodes { tasks(first: $size) { nodes { annotations(first: $size) { nodes { id } } } } } }
    }";
    let small = app.admin.run_with(document, json!({ "size": 70 })).await;
    small.ok();
    let large = app.admin.run_with(document, json!({ "size": 100 })).await;
    assert_eq!(large.code(), "LIMIT_EXCEEDED");
    assert_eq!(
        exceeded(&large),
        ("cost".to_owned(), 500_000, 1 + 100 * (2 + 100 * 102))
    );
}

#[each_database]
async fn the_first_query_of_a_newcomer_runs(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    for _ in 0..21 {
        app.annotation(&app.admin, &task, json!({})).await;
    }
    for _ in 0..50 {
        app.task(&project).await;
    }
    let query = "{ projects { nodes { tasks { nodes { predictions { regions { type } } annotations { nodes { regions { type } } } } } } } }";
    let body = json!({ "query": query, "extensions": { "cost": true } });
    let answer = app.admin.post(body.to_string()).await.ok();
    let task = 1 + 121 + 241;
    let cost = json!({ "requested": 1 + 50 * (1 + 1 + 20 * task), "limit": 500_000 });
    assert_eq!(answer.json["extensions"]["cost"], cost);
    let tasks = &answer.data()["projects"]["nodes"][0]["tasks"]["nodes"];
    assert_eq!(tasks.as_array().unwrap().len(), 20);
    let annotations = &tasks[0]["annotations"]["nodes"];
    assert_eq!(annotations.as_array().unwrap().len(), 20);
    let of_root = app.admin.run("{ tasks { nodes { id } } }").await;
    let of_root = &of_root.data()["tasks"]["nodes"];
    assert_eq!(of_root.as_array().unwrap().len(), 50);
}
