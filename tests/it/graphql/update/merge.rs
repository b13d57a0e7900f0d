//! `onConflict: MERGE`: a change of an older version is merged into the current version.

use each_database::each_database;
use entity::project_member::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::super::{create, read, revisions, update};
use crate::support::{Client, TestApp};

fn region(id: &str, x: i32) -> Value {
    json!({ "id": id, "from_name": "box", "value": { "x": x } })
}

/// An annotation at version 1 with three boxes, and another reviewer of it.
async fn annotation(app: &TestApp) -> Client {
    let (project, task) = app.project_with_task().await;
    let reviewer = app.member(&project, "rae", Role::Reviewer).await;
    let result = json!([region("a", 1), region("b", 1), region("c", 1)]);
    create(
        &app.admin,
        &task,
        json!({ "result": result, "leadTime": 1 }),
    )
    .await
    .ok();
    reviewer
}

/// A change that was made to version 1.
fn late(mut input: Value) -> Value {
    input["expectedVersion"] = json!(1);
    input["onConflict"] = json!("MERGE");
    input
}

#[each_database]
async fn edits_of_different_fields_and_regions_survive(app: TestApp) {
    let rae = annotation(&app).await;
    let first =
        json!({ "result": [region("a", 2), region("b", 1), region("x", 9)], "leadTime": 5 });
    update(&app.admin, "1", first).await.ok();
    let mine = json!([
        region("a", 1),
        region("b", 3),
        region("c", 1),
        region("y", 9)
    ]);
    let answer = update(
        &rae,
        "1",
        late(json!({ "result": mine, "groundTruth": true, "leadTime": 1 })),
    )
    .await;
    let merged = &answer.data()["updateAnnotation"];
    let expected = json!([
        region("a", 2),
        region("b", 3),
        region("x", 9),
        region("y", 9)
    ]);
    assert_eq!(merged["result"], expected);
    // Sending what was so is no edit: the other one's lead time stays.
    assert_eq!(
        json!([
            merged["leadTime"],
            merged["groundTruth"],
            merged["version"],
            merged["regionCount"]
        ]),
        json!([5.0, true, 3, 4])
    );
    let newest = &merged["history"]["nodes"][2];
    assert_eq!(newest["changedFields"], json!(["groundTruth", "result"]));
    assert_eq!(newest["actor"]["id"], rae.user_id);
    let edits = json!({ "upsert": [region("z", 1)], "remove": ["c"] });
    let answer = update(&rae, "1", late(json!({ "regions": edits }))).await;
    assert_eq!(answer.data()["updateAnnotation"]["regionCount"], 5);
}

#[each_database]
async fn edits_of_the_same_clash_by_name(app: TestApp) {
    let rae = annotation(&app).await;
    let first =
        json!({ "result": [region("a", 2), region("c", 1)], "leadTime": 5, "wasCancelled": true });
    update(&app.admin, "1", first).await.ok();
    let before = app.dump().await;
    for (input, fields, regions) in [
        (
            json!({ "regions": { "upsert": [region("a", 3)] } }),
            json!(["result"]),
            json!(["a"]),
        ),
        (
            json!({ "regions": { "remove": ["a", "c"] } }),
            json!(["result"]),
            json!(["a"]),
        ),
        (
            json!({ "result": [region("a", 3), region("b", 3), region("c", 3)], "leadTime": 6 }),
            json!(["leadTime", "result"]),
            json!(["a", "b"]),
        ),
        (
            json!({ "leadTime": null, "groundTruth": true }),
            json!(["leadTime"]),
            json!([]),
        ),
    ] {
        let answer = update(&rae, "1", late(input)).await;
        assert_eq!(answer.code(), "CONFLICT");
        let extensions = &answer.error()["extensions"];
        assert_eq!(extensions["clashingFields"], fields);
        assert_eq!(extensions["clashingRegions"], regions);
        assert_eq!(extensions["currentVersion"], 2);
        assert_eq!(app.dump().await, before);
    }
    // Without a wish to merge a client is told what would clash.
    let rejected = json!({ "regions": { "upsert": [region("a", 3)] }, "expectedVersion": 1, "onConflict": "REJECT" });
    let answer = update(&rae, "1", rejected).await;
    assert_eq!(
        answer.error()["extensions"]["clashingRegions"],
        json!(["a"])
    );
}

#[each_database]
async fn the_same_edit_on_both_sides_is_one(app: TestApp) {
    let rae = annotation(&app).await;
    let edit = json!({ "result": [region("a", 2), region("b", 1), region("c", 1)], "leadTime": 2 });
    update(&app.admin, "1", edit.clone()).await.ok();
    let before = app.dump().await;
    let answer = update(&rae, "1", late(edit)).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 2);
    let nothing =
        json!({ "result": [region("a", 1), region("b", 1), region("c", 1)], "leadTime": 1 });
    let answer = update(&rae, "1", late(nothing)).await;
    assert_eq!(answer.data()["updateAnnotation"]["version"], 2);
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_merge_needs_a_version_that_was(app: TestApp) {
    let rae = annotation(&app).await;
    let before = app.dump().await;
    for (input, problems) in [
        (
            json!({ "onConflict": "MERGE" }),
            vec!["input.expectedVersion REQUIRED"],
        ),
        (
            json!({ "onConflict": null }),
            vec!["input.onConflict NULL_NOT_ALLOWED"],
        ),
        (
            json!({ "onConflict": "MERGE", "expectedVersion": null }),
            vec!["input.expectedVersion NULL_NOT_ALLOWED"],
        ),
    ] {
        assert_eq!(update(&rae, "1", input).await.problems(), problems);
    }
    for version in [-1, 0, 2, i32::MAX] {
        let input = json!({ "onConflict": "MERGE", "expectedVersion": version, "leadTime": 3 });
        assert_eq!(update(&rae, "1", input).await.code(), "CONFLICT");
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_merge_looks_back_as_far_as_it_has_to(app: TestApp) {
    let rae = annotation(&app).await;
    for seconds in 2..=4 {
        update(&app.admin, "1", json!({ "leadTime": seconds }))
            .await
            .ok();
        update(
            &app.admin,
            "1",
            json!({ "regions": { "upsert": [region("a", seconds)] } }),
        )
        .await
        .ok();
    }
    // Made to version 5, at which the box was at 3 and the time was 3.
    let input = json!({
        "regions": { "upsert": [region("a", 3), region("b", 7)] }, "leadTime": 3,
        "expectedVersion": 5, "onConflict": "MERGE",
    });
    let answer = update(&rae, "1", input).await;
    let merged = &answer.data()["updateAnnotation"];
    assert_eq!(
        merged["result"],
        json!([region("a", 4), region("b", 7), region("c", 1)])
    );
    assert_eq!(merged["leadTime"], 4.0);
}

#[each_database]
async fn many_edit_at_once_and_nothing_is_lost(app: TestApp) {
    annotation(&app).await;
    let edits = (0..32).map(|client| {
        let app = &app;
        async move {
            let id = format!("r{client}");
            let whole = json!([
                region("a", 1),
                region("b", 1),
                region("c", 1),
                region(&id, client)
            ]);
            let input = if client % 2 == 0 {
                json!({ "result": whole })
            } else {
                json!({ "regions": { "upsert": [region(&id, client)] } })
            };
            update(&app.admin, "1", late(input)).await.ok();
        }
    });
    join_all(edits).await;
    let annotation = read(&app.admin, "1").await;
    assert_eq!(annotation["version"], 33);
    assert_eq!(annotation["regionCount"], 35);
    let result = annotation["result"].as_array().unwrap();
    for client in 0..32 {
        assert!(
            result.contains(&region(&format!("r{client}"), client)),
            "{client}"
        );
    }
    let versions: Vec<i32> = revisions(&app, "1")
        .await
        .iter()
        .map(|row| row.version)
        .collect();
    assert_eq!(versions, (1..=33).collect::<Vec<_>>());
}

#[each_database]
async fn a_merge_leaves_where_it_is_what_others_moved(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let (_, other) = app.project_with_task().await;
    create(&app.admin, &task, json!({ "result": [region("a", 1)] }))
        .await
        .ok();
    update(&app.admin, "1", json!({ "taskId": other }))
        .await
        .ok();
    for (version, input) in [
        (3, json!({ "projectId": project, "leadTime": 2 })),
        (
            4,
            json!({ "projectId": project, "taskId": task, "groundTruth": true }),
        ),
    ] {
        let answer = update(&app.admin, "1", late(input)).await;
        let merged = &answer.data()["updateAnnotation"];
        assert_eq!(
            json!([merged["task"]["id"], merged["version"]]),
            json!([other, version])
        );
    }
}
