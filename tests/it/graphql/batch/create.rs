//! `createAnnotations`.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::json;

use super::{
    super::{counters, prediction, revisions},
    create_all, problems, words,
};
use crate::support::TestApp;

#[each_database]
async fn every_item_has_its_outcome(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let (_, foreign) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let parent = prediction(&app, &project, &task).await;
    let unique = "5f6d2f3c-6c1e-4b0b-9d9b-1a2b3c4d5e6f";
    let result = json!([{ "id": "r1" }]);
    let items = json!([
        { "taskId": task, "input": { "result": result, "uniqueId": unique } },
        { "taskId": foreign, "input": { "result": result } },
        { "taskId": task, "input": { "result": result, "uniqueId": unique } },
        { "taskId": task, "input": { "result": result, "parentPredictionId": parent } },
        { "taskId": task, "input": { "result": result, "groundTruth": true } },
        { "taskId": task, "input": { "result": [{ "id": 1 }], "leadTime": -1 } },
        { "taskId": task, "input": { "result": result, "wasCancelled": true, "leadTime": 2 } },
    ]);
    let before = app.dump().await;
    let answer = create_all(&ann, &items, "REJECT_ALL").await;
    let expected = [
        "spared",
        "NOT_FOUND",
        "BAD_USER_INPUT",
        "spared",
        "FORBIDDEN",
        "BAD_USER_INPUT",
        "spared",
    ];
    assert_eq!(words(&answer), expected);
    assert_eq!(
        problems(&answer, 2),
        json!([{ "path": ["items", 2, "input", "uniqueId"], "code": "REPEATED" }])
    );
    assert_eq!(problems(&answer, 5).as_array().unwrap().len(), 2);
    assert_eq!(app.dump().await, before);

    let answer = create_all(&ann, &items, "REJECT_FAILED").await;
    let written = words(&answer);
    assert_eq!(written.iter().filter(|word| *word == "written").count(), 3);
    let outcomes = &answer.data()["outcomes"];
    let ids: Vec<_> = [0, 3, 6]
        .iter()
        .map(|index| {
            outcomes[index]["annotation"]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(ids.is_sorted_by_key(|id| id.parse::<i64>().unwrap()));
    assert_eq!(outcomes[6]["annotation"]["leadTime"], 2.0);
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 1]));
    for id in &ids {
        assert_eq!(revisions(&app, id).await.len(), 1);
    }
    let again = create_all(&ann, &json!([items[0]]), "REJECT_ALL").await;
    assert_eq!(words(&again), ["BAD_USER_INPUT"]);
}

#[each_database]
async fn a_hundred_items_cost_as_many_statements_as_ten(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Reviewer).await;
    // So that the project's config is known.
    let task = app.task(&project).await;
    app.annotation(&ann, &task, json!({})).await;
    let mut costs = Vec::new();
    for count in [10, 100, 200] {
        let mut items = Vec::new();
        for _ in 0..count {
            let task = app.task(&project).await;
            let input = json!({ "result": [{ "id": "r1" }], "groundTruth": true });
            items.push(json!({ "taskId": task, "input": input }));
        }
        let query = "mutation($items: [CreateAnnotationItem!]!) {
          createAnnotations(items: $items) { annotation { version } error { code } } }";
        let variables = json!({ "items": items });
        let (statements, answer) = app.statements(ann.run_with(query, variables)).await;
        let outcomes = answer.data()["createAnnotations"].as_array().unwrap();
        assert!(outcomes.iter().all(|outcome| outcome["error"].is_null()));
        costs.push(statements);
    }
    assert_eq!(costs[0], costs[1]);
    assert!(costs[2] < 2 * costs[1], "{costs:?}");
}

#[each_database]
async fn of_several_ground_truths_the_last_one_is_it(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let old = app
        .annotation(&app.admin, &task, json!({ "groundTruth": true }))
        .await;
    let item = json!({ "taskId": task, "input": { "result": [], "groundTruth": true } });
    let answer = create_all(&app.admin, &json!([item, item]), "REJECT_ALL").await;
    let outcomes = &answer.data()["outcomes"];
    assert_eq!(outcomes[0]["annotation"]["groundTruth"], false);
    assert_eq!(outcomes[1]["annotation"]["groundTruth"], true);
    let history = revisions(&app, &old).await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[1].changes, r#"{"groundTruth":false}"#);
}
