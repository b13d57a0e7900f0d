//! Memory of writes: what a batch reads is leased before it is read, and what conflicts tell is charged.

use each_database::each_database;
use serde_json::{Value, json};

use super::{bounded, result};
use crate::support::{Answer, Client, TestApp};

/// Three annotations of a task, each with a result of so many bytes.
async fn three(app: &TestApp, bytes: usize) {
    app.project_with_task().await;
    for _ in 0..3 {
        app.annotation(&app.admin, "1", json!({ "result": result(bytes) }))
            .await;
    }
}

async fn update_all(client: &Client, input: Value) -> Answer {
    let query = "mutation($items: [UpdateAnnotationItem!]!) {
      updateAnnotations(items: $items, onError: REJECT_FAILED) { annotation { version } error { code conflict { current } } }
    }";
    let items = (1..=3).map(|id| json!({ "id": id.to_string(), "input": input }));
    let items: Vec<Value> = items.collect();
    client.run_with(query, json!({ "items": items })).await
}

#[each_database]
async fn a_batch_leases_what_it_reads(app: TestApp) {
    three(&app, 600_000).await;
    let before = app.dump().await;
    let little = app.serving(&["--memory", "2000000"]).unwrap();
    let refused = update_all(&little, json!({ "leadTime": 1 })).await;
    assert_eq!(refused.code(), "SERVICE_UNAVAILABLE");
    assert_eq!(refused.error()["extensions"]["outcome"], "NOT_DONE");
    assert_eq!(app.dump().await, before);
    let enough = app.serving(&["--memory", "20000000"]).unwrap();
    let answer = update_all(&enough, json!({ "leadTime": 1 })).await;
    let done = json!({ "annotation": { "version": 2 }, "error": null });
    assert_eq!(
        answer.data()["updateAnnotations"],
        json!([done, done, done])
    );
}

#[each_database]
async fn conflicts_tell_as_many_rows_as_the_answer_has_room_for(app: TestApp) {
    three(&app, 40_000).await;
    let client = bounded(&app);
    let late = json!({ "leadTime": 1, "expectedVersion": 7 });
    let answer = update_all(&client, late).await;
    let outcomes = answer.data()["updateAnnotations"].as_array().unwrap();
    let codes: Vec<&str> = outcomes
        .iter()
        .map(|outcome| outcome["error"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["CONFLICT", "CONFLICT", "LIMIT_EXCEEDED"]);
    assert_eq!(
        outcomes[1]["error"]["conflict"]["current"]["result"],
        result(40_000)
    );
    assert_eq!(outcomes[2]["error"]["conflict"], Value::Null);
}
