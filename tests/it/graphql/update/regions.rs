//! `regions`: edits of single regions; the text of all others stays.

use each_database::each_database;
use serde_json::{Value, json};

use super::super::{create, row, update};
use crate::support::TestApp;

/// An annotation with a box, a note on it, another box, and a relation between them.
async fn annotation(app: &TestApp) {
    let (_, task) = app.project_with_task().await;
    let result = json!([
        { "id": "a", "from_name": "box", "value": { "x": 1.0 } },
        { "id": "a", "from_name": "note", "value": { "text": ["n"] } },
        { "id": "b", "from_name": "box", "value": { "x": 2 } },
        { "type": "relation", "from_id": "a", "to_id": "b", "direction": "right" },
    ]);
    create(&app.admin, &task, json!({ "result": result }))
        .await
        .ok();
}

async fn edit(app: &TestApp, regions: Value) -> Value {
    let answer = update(&app.admin, "1", json!({ "regions": regions })).await;
    answer.data()["updateAnnotation"].clone()
}

#[each_database]
async fn single_regions_change_come_and_go(app: TestApp) {
    annotation(&app).await;
    let stored = row(&app, "1").await.result;
    let edited = edit(
        &app,
        json!({ "upsert": [
            { "id": "a", "from_name": "note", "value": { "text": ["m"] } },
            { "id": "c", "from_name": "box", "value": { "x": 3 } },
        ] }),
    )
    .await;
    assert_eq!(edited["regionCount"], 5);
    assert_eq!(edited["version"], 2);
    assert_eq!(
        edited["history"]["nodes"][1]["changedFields"],
        json!(["result"])
    );
    let text = row(&app, "1").await.result;
    let others = stored.replace(r#"["n"]"#, r#"["m"]"#);
    let others = others.strip_suffix(']').unwrap();
    assert_eq!(
        text,
        format!(r#"{others},{{"id":"c","from_name":"box","value":{{"x":3}}}}]"#)
    );

    let edited = edit(
        &app,
        json!({ "removeEntries": [{ "regionId": "a", "fromName": "note" }] }),
    )
    .await;
    assert_eq!(edited["regionCount"], 4);
    let edited = edit(&app, json!({ "remove": ["a"] })).await;
    let ids: Vec<_> = edited["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| &region["id"])
        .collect();
    assert_eq!(ids, ["b", "c"]);
    let same = edit(
        &app,
        json!({ "upsert": [{ "id": "b", "from_name": "box", "value": { "x": 2 } }] }),
    )
    .await;
    assert_eq!(same["version"], edited["version"]);
    for nothing in [
        json!({}),
        json!({ "upsert": [], "remove": [], "removeEntries": [] }),
    ] {
        assert_eq!(edit(&app, nothing).await["version"], edited["version"]);
    }
}

#[each_database]
async fn edits_that_can_not_be_are_refused_with_all_their_problems(app: TestApp) {
    annotation(&app).await;
    let before = app.dump().await;
    for (input, problems) in [
        (
            json!({ "regions": null }),
            vec!["input.regions NULL_NOT_ALLOWED"],
        ),
        (
            json!({ "regions": { "upsert": null, "remove": null, "removeEntries": null }, "leadTime": -1 }),
            vec![
                "input.regions.upsert NULL_NOT_ALLOWED",
                "input.regions.remove NULL_NOT_ALLOWED",
                "input.regions.removeEntries NULL_NOT_ALLOWED",
                "input.leadTime OUT_OF_BOUNDS",
            ],
        ),
        (
            json!({ "regions": {}, "result": [] }),
            vec!["input.regions NOT_TOGETHER"],
        ),
        (
            json!({ "regions": { "upsert": [{ "from_name": "box" }, { "id": "b" }, { "id": "b" }], "remove": ["b"] } }),
            vec![
                "input.regions.upsert.0.id REQUIRED",
                "input.regions.upsert.1 INVALID_FORMAT",
                "input.regions.upsert.2 INVALID_FORMAT",
            ],
        ),
        (
            json!({ "regions": { "upsert": [{ "id": 1 }] } }),
            vec!["input.regions.upsert.0.id WRONG_TYPE"],
        ),
        (
            json!({ "regions": { "remove": ["b", "z"], "removeEntries": [{ "regionId": "a", "fromName": "z" }] }, "completedById": 9 }),
            vec![
                "input.regions.remove.1 UNKNOWN_REGION",
                "input.regions.removeEntries.0 UNKNOWN_REGION",
                "input.completedById UNKNOWN_ID",
            ],
        ),
    ] {
        let answer = update(&app.admin, "1", input).await;
        assert_eq!(answer.problems(), problems);
        assert_eq!(app.dump().await, before);
    }
}

const CONFIG: &str = r#"<View><Image name="img" value="$img"/>
  <RectangleLabels name="box" toName="img"><Label value="Car"/></RectangleLabels></View>"#;

fn rectangle(id: &str, label: &str) -> Value {
    json!({ "id": id, "from_name": "box", "to_name": "img", "type": "rectanglelabels",
        "value": { "x": 1, "y": 1, "width": 1, "height": 1, "rectanglelabels": [label] } })
}

#[each_database]
async fn an_edit_answers_for_itself_alone(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let faulty = json!([rectangle("a", "Bus"), rectangle("b", "Car")]);
    create(&app.admin, &task, json!({ "result": faulty }))
        .await
        .ok();
    let config = "mutation($id: ID!, $xml: String!) { updateProject(id: $id, input: { labelConfig: $xml }, force: true) { id } }";
    app.admin
        .run_with(config, json!({ "id": project, "xml": CONFIG }))
        .await
        .ok();
    let before = app.dump().await;
    let wrong = json!({ "regions": { "upsert": [rectangle("b", "Car"), rectangle("c", "Tram")] } });
    let answer = update(&app.admin, "1", wrong).await;
    let problem = "input.regions.upsert.1.value.rectanglelabels.0 UNKNOWN_LABEL";
    assert_eq!(answer.problems(), [problem]);
    assert_eq!(app.dump().await, before);
    // What was wrong before stays the business of whoever made it.
    edit(
        &app,
        json!({ "upsert": [rectangle("c", "Car")], "remove": ["b"] }),
    )
    .await;
    let answer = update(
        &app.admin,
        "1",
        json!({ "result": [rectangle("a", "Bus")] }),
    )
    .await;
    assert_eq!(
        answer.problems(),
        ["input.result.0.value.rectanglelabels.0 UNKNOWN_LABEL"]
    );
}

#[each_database]
async fn an_edit_answers_for_itself_beside_any_number_of_faults(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let faulty: Vec<Value> = (0..1_100)
        .map(|index| rectangle(&format!("r{index}"), "Bus"))
        .collect();
    create(&app.admin, &task, json!({ "result": faulty }))
        .await
        .ok();
    let config = "mutation($id: ID!, $xml: String!) { updateProject(id: $id, input: { labelConfig: $xml }, force: true) { id } }";
    app.admin
        .run_with(config, json!({ "id": project, "xml": CONFIG }))
        .await
        .ok();
    let wrong = json!({ "regions": { "upsert": [rectangle("x", "Tram")] } });
    let answer = update(&app.admin, "1", wrong).await;
    let problem = "input.regions.upsert.0.value.rectanglelabels.0 UNKNOWN_LABEL";
    assert_eq!(answer.problems(), [problem]);
    edit(
        &app,
        json!({ "remove": ["r0"], "upsert": [rectangle("x", "Car")] }),
    )
    .await;
}
