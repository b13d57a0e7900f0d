//! `updateAnnotations`.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::{
    super::{counters, read, revisions, row, update},
    problems, update_all, words,
};
use crate::support::TestApp;

async fn annotations(app: &TestApp, task: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(app.annotation(&app.admin, task, json!({})).await);
    }
    ids
}

#[each_database]
async fn every_item_has_its_outcome_in_the_order_of_the_items(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let mine = app.annotation(&ann, &task, json!({})).await;
    let other = app.annotation(&app.admin, &task, json!({})).await;
    let moved_on = app.annotation(&ann, &task, json!({})).await;
    let nudge = json!({ "result": [{ "id": "r1", "value": { "x": 2 } }] });
    update(&ann, &moved_on, nudge).await.ok();
    let items = json!([
        { "id": mine, "input": { "leadTime": 1 } },
        { "id": "999", "input": { "leadTime": 1 } },
        { "id": other, "input": { "leadTime": 1 } },
        { "id": moved_on, "input": { "expectedVersion": 1, "leadTime": -1 } },
        { "id": mine, "input": { "leadTime": 2 } },
        { "id": moved_on, "input": {
            "expectedVersion": 1, "result": [{ "id": "r1", "value": { "x": 3 } }],
        } },
    ]);
    let before = app.dump().await;
    let answer = update_all(&ann, &items, "REJECT_ALL").await;
    let mut expected = vec![
        "spared",
        "NOT_FOUND",
        "FORBIDDEN",
        "BAD_USER_INPUT",
        "BAD_USER_INPUT",
        "BAD_USER_INPUT",
    ];
    assert_eq!(words(&answer), expected);
    assert_eq!(
        problems(&answer, 3),
        json!([{ "path": ["items", 3, "input", "leadTime"], "code": "OUT_OF_BOUNDS" }])
    );
    for index in [4, 5] {
        assert_eq!(
            problems(&answer, index),
            json!([{ "path": ["items", index, "id"], "code": "REPEATED" }])
        );
    }
    assert_eq!(app.dump().await, before);

    let mut items = items.as_array().unwrap().clone();
    items.remove(3);
    items.remove(3);
    let answer = update_all(&ann, &json!(items), "REJECT_FAILED").await;
    expected = vec!["written", "NOT_FOUND", "FORBIDDEN", "CONFLICT"];
    assert_eq!(words(&answer), expected);
    let outcomes = &answer.data()["outcomes"];
    assert_eq!(outcomes[0]["annotation"]["version"], 2);
    assert_eq!(outcomes[0]["annotation"]["leadTime"], 1.0);
    let conflict = &outcomes[3]["error"]["conflict"];
    assert_eq!(conflict["currentVersion"], 2);
    assert_eq!(conflict["clashingFields"], json!(["result"]));
    assert_eq!(conflict["clashingRegions"], json!(["r1"]));
    assert_eq!(conflict["current"]["version"], 2);
    assert_eq!(row(&app, &other).await.lead_time, None);
}

#[each_database]
async fn one_refused_item_spares_all_unless_they_may_go_on_without_it(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, 2).await;
    let items = json!([
        { "id": ids[0], "input": { "wasCancelled": true } },
        { "id": ids[1], "input": { "completedById": "999" } },
    ]);
    let before = app.dump().await;
    let answer = update_all(&app.admin, &items, "REJECT_ALL").await;
    assert_eq!(words(&answer), ["spared", "BAD_USER_INPUT"]);
    assert_eq!(
        problems(&answer, 1),
        json!([{ "path": ["items", 1, "input", "completedById"], "code": "UNKNOWN_ID" }])
    );
    assert_eq!(app.dump().await, before);
    let answer = update_all(&app.admin, &items, "REJECT_FAILED").await;
    assert_eq!(words(&answer), ["written", "BAD_USER_INPUT"]);
    assert_eq!(counters(&app.admin, &task).await, json!([true, 1, 1]));
}

#[each_database]
async fn a_list_has_at_most_a_thousand_items(app: TestApp) {
    let item = json!({ "id": "1", "input": {} });
    let items = json!(vec![item; 1_001]);
    let answer = update_all(&app.admin, &items, "REJECT_FAILED").await;
    assert_eq!(answer.problems(), ["items TOO_LONG"]);
    let answer = update_all(&app.admin, &json!([]), "REJECT_ALL").await;
    assert_eq!(answer.data()["outcomes"], json!([]));
}

#[each_database]
async fn a_hundred_items_cost_as_many_statements_as_ten(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Reviewer).await;
    let mut costs = Vec::new();
    for count in [10, 100, 200] {
        let mut items = Vec::new();
        for index in 0..count {
            let task = app.task(&project).await;
            let id = app.annotation(&app.admin, &task, json!({})).await;
            // One that is at the expected version, one that has to be merged.
            if index % 2 == 0 {
                update(&app.admin, &id, json!({ "leadTime": 1 })).await.ok();
            }
            let input = json!({
                "result": [{ "id": "r1", "value": { "x": index } }],
                "wasCancelled": index % 3 == 0,
                "groundTruth": true,
                "expectedVersion": 1,
                "onConflict": "MERGE",
            });
            items.push(json!({ "id": id, "input": input }));
        }
        let query = "mutation($items: [UpdateAnnotationItem!]!) {
          updateAnnotations(items: $items) { annotation { version } error { code } } }";
        let variables = json!({ "items": items });
        let (statements, answer) = app.statements(ann.run_with(query, variables)).await;
        let outcomes = answer.data()["updateAnnotations"].as_array().unwrap();
        assert_eq!(outcomes.len(), count);
        assert!(outcomes.iter().all(|outcome| outcome["error"].is_null()));
        costs.push(statements);
    }
    assert_eq!(costs[0], costs[1]);
    assert!(costs[2] < 2 * costs[1], "{costs:?}");
}

#[each_database]
async fn a_ground_truth_goes_from_item_to_item(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, 130).await;
    update(&app.admin, &ids[0], json!({ "groundTruth": true }))
        .await
        .ok();
    // The last of them is behind the first hundred; what the call itself did to an item is no conflict.
    let with = |id: &String, version: i32, input: Value| {
        let mut input = input;
        input["expectedVersion"] = json!(version);
        json!({ "id": id, "input": input })
    };
    let mut items = vec![
        with(&ids[1], 1, json!({ "groundTruth": true })),
        with(&ids[0], 2, json!({ "leadTime": 5 })),
        with(&ids[2], 1, json!({ "groundTruth": true })),
    ];
    items.extend((3..129).map(|index| with(&ids[index], 1, json!({ "leadTime": 1 }))));
    items.push(with(&ids[129], 1, json!({ "groundTruth": true })));
    let answer = update_all(&app.admin, &json!(items), "REJECT_ALL").await;
    assert!(words(&answer).iter().all(|word| word == "written"));
    let first = row(&app, &ids[0]).await;
    assert_eq!((first.version, first.lead_time), (4, Some(5.0)));
    for (index, truth, version) in [(0, false, 4), (1, false, 3), (2, false, 3), (129, true, 2)] {
        let row = row(&app, &ids[index]).await;
        assert_eq!((row.ground_truth, row.version), (truth, version), "{index}");
        let history = revisions(&app, &ids[index]).await;
        let versions: Vec<_> = history.iter().map(|revision| revision.version).collect();
        assert_eq!(versions, (1..=version).collect::<Vec<_>>());
    }
    // The taken one comes later in the list, behind the first hundred.
    let mut items = vec![with(&ids[5], 2, json!({ "groundTruth": true }))];
    items.extend((6..110).map(|index| with(&ids[index], 2, json!({ "leadTime": 2 }))));
    items.push(with(&ids[129], 2, json!({ "leadTime": 9 })));
    let answer = update_all(&app.admin, &json!(items), "REJECT_ALL").await;
    assert!(words(&answer).iter().all(|word| word == "written"));
    let last = read(&app.admin, &ids[129]).await;
    assert_eq!(
        (&last["version"], &last["groundTruth"]),
        (&json!(4), &json!(false))
    );
}

#[each_database]
async fn a_ground_truth_moves_along_beside_other_items(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let truth = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let beside = app.annotation(&app.admin, &task, json!({})).await;
    let items = json!([
        { "id": truth, "input": { "taskId": other } },
        { "id": beside, "input": { "leadTime": 3 } },
    ]);
    let answer = update_all(&app.admin, &items, "REJECT_ALL").await;
    assert_eq!(
        answer.data()["outcomes"][0]["annotation"]["groundTruth"],
        true
    );
    assert!(row(&app, &truth).await.ground_truth);
}

#[each_database]
async fn counters_are_right_behind_the_first_hundred(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let mut ids = annotations(&app, &task, 60).await;
    ids.extend(annotations(&app, &other, 60).await);
    let item = |(index, id)| {
        let input = match index {
            5 => json!({ "wasCancelled": true }),
            _ => json!({ "leadTime": 1 }),
        };
        json!({ "id": id, "input": input })
    };
    // The second hundred holds both tasks, and nothing that is counted.
    let (last, first) = ids.split_at(10);
    let items: Vec<Value> = first.iter().chain(last).enumerate().map(item).collect();
    let answer = update_all(&app.admin, &json!(items), "REJECT_ALL").await;
    assert!(words(&answer).iter().all(|word| word == "written"));
    assert_eq!(counters(&app.admin, &task).await, json!([true, 59, 1]));
    assert_eq!(counters(&app.admin, &other).await, json!([true, 60, 0]));
}

#[each_database]
async fn a_refused_list_tells_no_conflict_that_there_is_not(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, 101).await;
    let truth = json!({ "groundTruth": true });
    update(&app.admin, &ids[100], truth.clone()).await.ok();
    let mut items = vec![
        json!({ "id": ids[0], "input": truth }),
        json!({ "id": "999", "input": {} }),
    ];
    items.extend(
        ids[1..100]
            .iter()
            .map(|id| json!({ "id": id, "input": {} })),
    );
    let input = json!({ "expectedVersion": 2, "leadTime": 1 });
    items.push(json!({ "id": ids[100], "input": input }));
    let answer = update_all(&app.admin, &json!(items), "REJECT_ALL").await;
    let words = words(&answer);
    assert_eq!(
        (words[0].as_str(), words[1].as_str()),
        ("spared", "NOT_FOUND")
    );
    assert!(words[2..].iter().all(|word| word == "spared"));
}

#[each_database]
async fn an_outcome_is_what_is_stored_in_the_end(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let ids = annotations(&app, &task, 2).await;
    let truth = json!({ "groundTruth": true });
    let items = ids.iter().map(|id| json!({ "id": id, "input": truth }));
    let items: Vec<Value> = items.collect();
    let answer = update_all(&app.admin, &json!(items), "REJECT_ALL").await;
    let first = &answer.data()["outcomes"][0]["annotation"];
    assert_eq!(
        (&first["version"], &first["groundTruth"]),
        (&json!(3), &json!(false))
    );
    assert_eq!(
        first["result"],
        json!([{ "id": "r1", "value": { "x": 1 } }])
    );
}

#[each_database]
async fn all_problems_of_an_item_are_told_at_once(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let item = json!({ "id": id, "input": { "leadTime": -1 } });
    let nowhere = json!({ "id": "x", "input": {} });
    let items = json!([item, item, nowhere, nowhere]);
    let answer = update_all(&app.admin, &items, "REJECT_FAILED").await;
    let second = problems(&answer, 1);
    assert_eq!(second.as_array().unwrap().len(), 2);
    assert_eq!(words(&answer)[2..], ["NOT_FOUND", "NOT_FOUND"]);
}
