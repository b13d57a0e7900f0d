//! Large requests on worker threads: responses equal those of small requests.

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::{Listening, Socket, TestApp};

/// More than is computed over on the spot.
const REGIONS: usize = 2_000;

/// A result of some 200 kB; the x of each region is this one.
fn result(x: f64) -> Value {
    (0..REGIONS)
        .map(|index| {
            json!({
                "id": format!("r{index}"), "from_name": "box", "to_name": "image", "type": "rectangle",
                "value": { "x": x, "y": index, "width": 1, "height": 1 },
            })
        })
        .collect()
}

const UPDATE: &str = "mutation($id: ID!, $input: UpdateAnnotationInput!) {
    updateAnnotation(id: $id, input: $input) { version regionCount }
}";

#[each_database]
async fn large_results_are_written_read_merged_and_compared(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(&app.admin, &task, json!({ "result": result(1.5) }))
        .await;
    let update = async |input: Value| {
        app.admin
            .run_with(UPDATE, json!({ "id": id, "input": input }))
            .await
    };
    let answer = update(json!({ "result": result(2.5) })).await;
    assert_eq!(
        answer.data()["updateAnnotation"],
        json!({ "version": 2, "regionCount": REGIONS })
    );
    // A small request that meets large stored results.
    let region = json!({ "id": "r7", "from_name": "box", "note": "late" });
    let late =
        json!({ "regions": { "upsert": [region] }, "expectedVersion": 1, "onConflict": "MERGE" });
    assert_eq!(update(late).await.code(), "CONFLICT");
    let new = json!({ "id": "new", "from_name": "box" });
    let late =
        json!({ "regions": { "upsert": [new] }, "expectedVersion": 1, "onConflict": "MERGE" });
    let answer = update(late).await;
    assert_eq!(
        answer.data()["updateAnnotation"],
        json!({ "version": 3, "regionCount": REGIONS + 1 })
    );
    let query = "query($id: ID!) { annotation(id: $id) {
        result regions { type raw } diff(from: 1, to: 3) { addedRegions changedRegions { after } }
    } }";
    let answer = app.admin.run_with(query, json!({ "id": id })).await;
    let annotation = &answer.data()["annotation"];
    let count = |value: &Value| value.as_array().unwrap().len();
    assert_eq!(count(&annotation["result"]), REGIONS + 1);
    assert_eq!(annotation["result"][7]["value"]["x"], 2.5);
    assert_eq!(count(&annotation["regions"]), REGIONS + 1);
    assert_eq!(annotation["regions"][7]["raw"], annotation["result"][7]);
    assert_eq!(count(&annotation["diff"]["addedRegions"]), 1);
    assert_eq!(count(&annotation["diff"]["changedRegions"]), REGIONS);
}

#[each_database]
async fn a_large_bad_request_is_told_a_thousand_problems_and_changes_nothing(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let before = app.dump().await;
    let unknown: serde_json::Map<String, Value> = (0..20_000)
        .map(|index| (format!("leadTim{index}"), json!(1)))
        .collect();
    let answer = app
        .admin
        .run_with(UPDATE, json!({ "id": id, "input": unknown }))
        .await;
    let problems = answer.problems();
    assert_eq!(problems.len(), 1_000);
    assert_eq!(problems[0], "input.leadTim0 UNKNOWN_FIELD");
    assert_eq!(problems[999], "input.leadTim999 UNKNOWN_FIELD");
    let regions: Vec<Value> = (0..20_000).map(|index| json!({ "id": index })).collect();
    let answer = app
        .admin
        .run_with(UPDATE, json!({ "id": id, "input": { "result": regions } }))
        .await;
    let problems = answer.problems();
    assert_eq!(problems.len(), 1_000);
    assert_eq!(problems[999], "input.result.999.id WRONG_TYPE");
    assert_eq!(app.dump().await, before);
}

/// Creates an annotation over a socket that follows events; how many regions the events have that come until it is
/// complete, or until one of them has as many.
async fn create_over(socket: &mut Socket, task: &str, regions: Value) -> Vec<usize> {
    let count = regions.as_array().unwrap().len();
    let query = "mutation($task: ID!, $input: CreateAnnotationInput!) {
        createAnnotation(taskId: $task, input: $input) { regionCount }
    }";
    let variables = json!({ "task": task, "input": { "result": regions } });
    let payload = json!({ "query": query, "variables": variables });
    let message = json!({ "id": "create", "type": "subscribe", "payload": payload });
    socket.say(&message).await;
    let mut events = Vec::new();
    let mut is_complete = false;
    while !is_complete || (count > 1 && !events.contains(&count)) {
        let heard = socket.hear().await;
        let data = &heard["payload"]["data"];
        match heard["id"].as_str().unwrap() {
            "create" if heard["type"] == "complete" => is_complete = true,
            "create" => assert_eq!(data["createAnnotation"]["regionCount"], count),
            _ => {
                let regions = &data["annotationEvents"]["annotation"]["regions"];
                events.push(regions.as_array().unwrap().len());
            }
        }
    }
    events
}

#[each_database]
async fn large_requests_come_over_sockets_too_and_large_events_go_out(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let listening = Listening::start(&app.app, &[]).await;
    let mut socket = listening.signed_in(&app.admin.token).await;
    let events = "subscription { annotationEvents { annotation { regions { type } } } }";
    socket.subscribe("events", events).await;
    // Only an event tells that the subscription is live.
    while create_over(&mut socket, &task, json!([{}]))
        .await
        .is_empty()
    {}
    create_over(&mut socket, &task, result(1.5)).await;
    create_over(&mut socket, &task, json!([{}, {}])).await;
    drop(socket);
    listening.stop().await;
}
