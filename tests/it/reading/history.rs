//! History of annotations: at a version, at an instant, and between versions.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use crate::{
    graphql::{delete, revisions, update},
    support::{Answer, Client, TestApp},
};

const SNAPSHOT: &str = "annotationId version result regionCount regions(ids: \"a\") { regionId }
    task { id } completedBy { username } updatedBy { username } wasCancelled groundTruth leadTime
    lastAction";

async fn at(by: &Client, id: &str, version: i32) -> Value {
    let query = format!(
        "query($id: ID!, $version: Int) {{
           annotationAt(id: $id, version: $version) {{ {SNAPSHOT} at }} }}"
    );
    let variables = json!({ "id": id, "version": version });
    let answer = by.run_with(&query, variables).await;
    let mut snapshot = answer.data()["annotationAt"].clone();
    if let Some(fields) = snapshot.as_object_mut() {
        assert!(fields.remove("at").unwrap().is_string());
    }
    snapshot
}

/// The version that an annotation was at, at an instant.
async fn as_of(by: &Client, id: &str, instant: &str) -> Value {
    let query = "query($id: ID!, $at: DateTime) { annotationAt(id: $id, asOf: $at) { version } }";
    let answer = by.run_with(query, json!({ "id": id, "at": instant })).await;
    answer.data()["annotationAt"]["version"].clone()
}

async fn diff(by: &Client, id: &str, from: i32, to: Option<i32>) -> Answer {
    let query = "query($id: ID!, $from: Int!, $to: Int) { annotation(id: $id) {
        diff(from: $from, to: $to) {
          from to fields { field before after } addedRegions removedRegions
          changedRegions { regionId before after } } } }";
    let variables = match to {
        Some(to) => json!({ "id": id, "from": from, "to": to }),
        None => json!({ "id": id, "from": from }),
    };
    by.run_with(query, variables).await
}

fn region(id: &str, x: i32) -> Value {
    json!({ "id": id, "from_name": "box", "to_name": "image", "type": "rectangle", "value": { "x": x } })
}

#[each_database]
async fn each_version_is_shown_as_it_was(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let other = app.task(&project).await;
    let first = json!({ "result": [region("a", 1)], "leadTime": 1.5 });
    let id = app.annotation(&ann, &task, first).await;
    update(
        &app.admin,
        &id,
        json!({ "groundTruth": true, "leadTime": null }),
    )
    .await
    .ok();
    update(
        &ann,
        &id,
        json!({ "result": [region("a", 2), { "id": "b" }] }),
    )
    .await
    .ok();
    update(
        &app.admin,
        &id,
        json!({ "taskId": other, "completedById": app.admin.user_id }),
    )
    .await
    .ok();
    update(
        &app.admin,
        &id,
        json!({ "wasCancelled": true, "updatedById": ann.user_id }),
    )
    .await
    .ok();
    let expected = json!([
        {
            "annotationId": id, "version": 1, "result": [region("a", 1)], "regionCount": 1,
            "regions": [{ "regionId": "a" }], "task": { "id": task }, "completedBy": { "username": "ann" },
            "updatedBy": { "username": "ann" }, "wasCancelled": false, "groundTruth": false,
            "leadTime": 1.5, "lastAction": "SUBMITTED",
        },
        {
            "annotationId": id, "version": 2, "result": [region("a", 1)], "regionCount": 1,
            "regions": [{ "regionId": "a" }], "task": { "id": task }, "completedBy": { "username": "ann" },
            "updatedBy": { "username": "admin" }, "wasCancelled": false, "groundTruth": true,
            "leadTime": null, "lastAction": "UPDATED",
        },
        {
            "annotationId": id, "version": 3, "result": [region("a", 2), { "id": "b" }],
            "regionCount": 2, "regions": [{ "regionId": "a" }], "task": { "id": task },
            "completedBy": { "username": "ann" }, "updatedBy": { "username": "ann" },
            "wasCancelled": false, "groundTruth": true, "leadTime": null, "lastAction": "UPDATED",
        },
        {
            "annotationId": id, "version": 4, "result": [region("a", 2), { "id": "b" }],
            "regionCount": 2, "regions": [{ "regionId": "a" }], "task": { "id": other },
            "completedBy": { "username": "admin" }, "updatedBy": { "username": "admin" },
            "wasCancelled": false, "groundTruth": true, "leadTime": null, "lastAction": "UPDATED",
        },
        {
            "annotationId": id, "version": 5, "result": [region("a", 2), { "id": "b" }],
            "regionCount": 2, "regions": [{ "regionId": "a" }], "task": { "id": other },
            "completedBy": { "username": "admin" }, "updatedBy": { "username": "ann" },
            "wasCancelled": true, "groundTruth": true, "leadTime": null, "lastAction": "SKIPPED",
        },
    ]);
    for (index, snapshot) in expected.as_array().unwrap().iter().enumerate() {
        let version = i32::try_from(index + 1).unwrap();
        assert_eq!(&at(&ann, &id, version).await, snapshot);
    }
    let query = format!(
        "query($id: ID!) {{ annotation(id: $id) {{ history {{ nodes {{ annotation {{ {SNAPSHOT} }} }} }} }} }}"
    );
    let answer = ann.run_with(&query, json!({ "id": id })).await;
    let nodes = answer.data()["annotation"]["history"]["nodes"]
        .as_array()
        .unwrap();
    let shown: Vec<&Value> = nodes.iter().map(|node| &node["annotation"]).collect();
    assert_eq!(json!(shown), expected);
    for version in [i32::MIN, -1, 0, 6, i32::MAX] {
        assert_eq!(at(&ann, &id, version).await, Value::Null);
    }
    assert_eq!(at(&ann, "77", 1).await, Value::Null);
    // A user who is gone is nobody.
    let leave = format!(
        "mutation {{ removeProjectMember(projectId: {project}, userId: {}) {{ role }} }}",
        app.admin.user_id
    );
    app.admin.run(&leave).await.ok();
    assert_eq!(at(&ann, &id, 4).await["completedBy"], Value::Null);
}

#[each_database]
async fn an_instant_shows_the_version_of_then(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    update(&app.admin, &id, json!({ "leadTime": 1 })).await.ok();
    delete(&app.admin, &id).await.ok();
    let history = revisions(&app, &id).await;
    let instant = |index: usize, microseconds: i64| {
        let at = history[index].created_at + chrono::TimeDelta::microseconds(microseconds);
        at.to_rfc3339()
    };
    for (index, version) in [(0, json!(1)), (1, json!(2)), (2, Value::Null)] {
        assert_eq!(as_of(&app.admin, &id, &instant(index, 0)).await, version);
    }
    assert_eq!(as_of(&app.admin, &id, &instant(0, -1)).await, Value::Null);
    assert_eq!(as_of(&app.admin, &id, &instant(1, -1)).await, 1);
    assert_eq!(as_of(&app.admin, &id, &instant(2, -1)).await, 2);
    assert_eq!(
        as_of(&app.admin, &id, "9999-12-31T00:00:00Z").await,
        Value::Null
    );
    // The tombstone shows what was deleted.
    assert_eq!(at(&app.admin, &id, 3).await["leadTime"], 1.0);
}

#[each_database]
async fn a_version_or_an_instant_has_to_be_given(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({})).await;
    for (arguments, problem) in [
        ("", "version REQUIRED"),
        (", version: null, asOf: null", "version REQUIRED"),
        (
            ", version: 1, asOf: \"2030-01-01T00:00:00Z\"",
            "asOf NOT_TOGETHER",
        ),
    ] {
        let query = format!("{{ annotationAt(id: 1{arguments}) {{ version }} }}");
        assert_eq!(app.admin.run(&query).await.problems(), [problem]);
    }
    let query =
        "{ annotationAt(id: 1, version: null, asOf: \"2999-01-01T00:00:00Z\") { version } }";
    let answer = app.admin.run(query).await;
    assert_eq!(answer.data(), &json!({ "annotationAt": { "version": 1 } }));
}

#[each_database]
async fn what_was_elsewhere_is_for_those_who_see_elsewhere(app: TestApp) {
    let (from, task) = app.project_with_task().await;
    let (to, target) = app.project_with_task().await;
    let here = app.member(&from, "here", Role::Viewer).await;
    let there = app.member(&to, "there", Role::Viewer).await;
    let nobody = app.stranger("nobody").await;
    let id = app
        .annotation(&app.admin, &task, json!({ "leadTime": 7 }))
        .await;
    update(&app.admin, &id, json!({ "taskId": target }))
        .await
        .ok();
    update(&app.admin, &id, json!({ "groundTruth": true }))
        .await
        .ok();
    for is_deleted in [false, true] {
        if is_deleted {
            delete(&app.admin, &id).await.ok();
        }
        assert_eq!(at(&here, &id, 1).await["leadTime"], 7.0);
        assert_eq!(at(&here, &id, 2).await, Value::Null);
        assert_eq!(at(&there, &id, 1).await, Value::Null);
        // Values set before the move are part of the later versions.
        assert_eq!(at(&there, &id, 2).await["leadTime"], 7.0);
        assert_eq!(at(&there, &id, 3).await["task"]["id"], target.as_str());
        for version in 1..=4 {
            assert_eq!(at(&nobody, &id, version).await, Value::Null);
        }
        if !is_deleted {
            assert_eq!(as_of(&there, &id, "9998-01-01T00:00:00Z").await, 3);
            assert_eq!(as_of(&here, &id, "9998-01-01T00:00:00Z").await, Value::Null);
            assert_eq!(
                diff(&there, &id, 1, None).await.problems(),
                ["from UNKNOWN_VERSION"]
            );
            diff(&there, &id, 2, None).await.ok();
        }
    }
}

#[each_database]
async fn a_diff_tells_fields_and_regions(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let (hidden, target) = app.project_with_task().await;
    let relation = |label: &str| json!({ "type": "relation", "from_id": "a", "to_id": "b", "labels": [label] });
    let first = json!({ "result": [region("a", 1), region("b", 1), relation("x")], "leadTime": 1 });
    let id = app.annotation(&ann, &task, first).await;
    let result = json!([region("c", 1), relation("y"), region("a", 2)]);
    update(&ann, &id, json!({ "result": result, "wasCancelled": true }))
        .await
        .ok();
    update(
        &app.admin,
        &id,
        json!({ "leadTime": null, "taskId": target, "completedById": app.admin.user_id }),
    )
    .await
    .ok();
    let forth = diff(&app.admin, &id, 1, None).await;
    assert_eq!(
        forth.data()["annotation"]["diff"],
        json!({
            "from": 1, "to": 3,
            "fields": [
                { "field": "completedBy", "before": ann.user_id, "after": "1" },
                { "field": "leadTime", "before": 1.0, "after": null },
                { "field": "project", "before": project, "after": hidden },
                { "field": "task", "before": task, "after": target },
                { "field": "updatedBy", "before": ann.user_id, "after": "1" },
                { "field": "wasCancelled", "before": false, "after": true },
            ],
            "addedRegions": [region("c", 1)],
            "removedRegions": [region("b", 1)],
            "changedRegions": [
                { "regionId": null, "before": relation("x"), "after": relation("y") },
                { "regionId": "a", "before": region("a", 1), "after": region("a", 2) },
            ],
        })
    );
    let back = diff(&app.admin, &id, 3, Some(2)).await;
    let back = &back.data()["annotation"]["diff"];
    assert_eq!((&back["from"], &back["to"]), (&json!(3), &json!(2)));
    assert_eq!(
        back["fields"][1],
        json!({ "field": "leadTime", "before": null, "after": 1.0 })
    );
    assert_eq!(back["changedRegions"], json!([]));
    let same = diff(&app.admin, &id, 2, Some(2)).await;
    assert_eq!(same.data()["annotation"]["diff"]["fields"], json!([]));
    assert_eq!(
        diff(&app.admin, &id, 0, Some(4)).await.problems(),
        ["from UNKNOWN_VERSION", "to UNKNOWN_VERSION"]
    );
    // Who may not see Ann is not told her id.
    let max = app.member(&hidden, "max", Role::Viewer).await;
    update(&app.admin, &id, json!({ "completedById": ann.user_id }))
        .await
        .ok();
    let seen = diff(&max, &id, 3, Some(4)).await;
    assert_eq!(
        seen.data()["annotation"]["diff"]["fields"],
        json!([{ "field": "completedBy", "before": "1", "after": null }])
    );
}

#[each_database]
async fn a_history_of_fifty_costs_as_much_as_one_of_two(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let viewer = app.member(&project, "vic", Role::Viewer).await;
    let queries = [
        "{ annotation(id: 1) { history(first: 50) { nodes { version annotation { result } } } } }",
        "{ annotation(id: 1) { history(first: 50) { nodes { annotation { leadTime task { id } } } } } }",
        "{ annotation(id: 1) { diff(from: 1) { fields { field } } } }",
        "{ annotation(id: 1) { diff(from: 1) { addedRegions } } }",
    ];
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let input = json!({ "leadTime": 1, "result": [] });
    update(&app.admin, &id, input).await.ok();
    let mut few = Vec::new();
    for query in queries {
        let (statements, _) = app.statements(app.admin.run(query)).await;
        few.push(statements);
        let (statements, _) = app.statements(viewer.run(query)).await;
        few.push(statements);
    }
    // The annotation, the page and the changes, and to members the projects; then what is in them.
    assert_eq!(few, [4, 5, 4, 5, 3, 5, 3, 4]);
    for number in 3..=50 {
        let input = match number % 2 {
            0 => json!({ "leadTime": number }),
            _ => json!({ "result": [region("a", number)] }),
        };
        update(&app.admin, &id, input).await.ok();
    }
    let mut many = Vec::new();
    for query in queries {
        let (statements, _) = app.statements(app.admin.run(query)).await;
        many.push(statements);
        let (statements, _) = app.statements(viewer.run(query)).await;
        many.push(statements);
    }
    assert_eq!(few, many);
    let query =
        "{ annotation(id: 1) { history(first: 50) { nodes { annotation { result leadTime } } } } }";
    let answer = viewer.run(query).await;
    let nodes = answer.data()["annotation"]["history"]["nodes"]
        .as_array()
        .unwrap();
    assert_eq!(nodes.len(), 50);
    let last = json!({ "result": [region("a", 49)], "leadTime": 50.0 });
    assert_eq!(nodes[49]["annotation"], last);
    let earlier = json!({ "result": [region("a", 45)], "leadTime": 46.0 });
    assert_eq!(nodes[45]["annotation"], earlier);
}
