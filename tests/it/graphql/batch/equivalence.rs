//! Equivalence of a batch and its items one after the other.

use entity::annotation_revision::Event;
use serde_json::{Value, json};

use super::{
    super::{counters, draft, revisions, row, update},
    update_all, words,
};
use crate::support::{TestApp, each_database};

/// A project with tasks, annotations with a history, and drafts: ids of tasks and annotations.
async fn scene(app: &TestApp) -> (Vec<String>, Vec<String>) {
    let (project, task) = app.project_with_task().await;
    let tasks = vec![task, app.task(&project).await, app.task(&project).await];
    let mut ids = Vec::new();
    for index in 0..8 {
        let result = json!([{ "id": "a", "value": { "x": index } }, { "id": "b" }]);
        let input = json!({ "result": result, "groundTruth": index < 3 });
        let id = app.annotation(&app.admin, &tasks[index % 3], input).await;
        draft(app, &app.admin, &tasks[index % 3], Some(&id)).await;
        ids.push(id);
    }
    let edit = json!({ "regions": { "upsert": [{ "id": "b", "value": { "y": 1 } }] } });
    update(&app.admin, &ids[4], edit).await.ok();
    (tasks, ids)
}

fn items(tasks: &[String], ids: &[String]) -> Vec<(String, Value)> {
    let inputs = [
        json!({ "wasCancelled": true }),
        json!({ "taskId": tasks[0] }),
        json!({ "groundTruth": false, "leadTime": 3.5 }),
        json!({ "groundTruth": true, "completedById": "1" }),
        json!({ "regions": { "remove": ["a"] }, "expectedVersion": 1, "onConflict": "MERGE" }),
        json!({ "taskId": tasks[1], "groundTruth": true }),
        json!({ "result": [], "wasCancelled": false }),
        json!({ "result": [{ "id": "a", "value": { "x": 7 } }, { "id": "b" }] }),
    ];
    ids.iter().cloned().zip(inputs).collect()
}

/// All that a request left behind, with ids counted from the first of the scene.
async fn state(app: &TestApp, tasks: &[String], ids: &[String]) -> Value {
    let place = |task_id: i64| {
        let id = task_id.to_string();
        tasks.iter().position(|task| *task == id)
    };
    let mut state = Vec::new();
    for id in ids {
        let row = row(app, id).await;
        let mut history = Vec::new();
        for revision in revisions(app, id).await {
            assert_ne!(revision.event, Event::Deleted);
            let changes: Value = serde_json::from_str(&revision.changes).unwrap();
            let fields: Vec<String> = changes.as_object().unwrap().keys().cloned().collect();
            history.push(json!([
                revision.version,
                format!("{:?}", revision.action),
                place(revision.task_id),
                revision.from_task_id.map(place),
                fields,
                revision.result,
            ]));
        }
        state.push(json!({
            "version": row.version,
            "task": place(row.task_id),
            "result": row.result,
            "regions": row.region_count,
            "skipped": row.was_cancelled,
            "truth": row.ground_truth,
            "leadTime": row.lead_time,
            "action": row.last_action.map(|action| format!("{action:?}")),
            "history": history,
        }));
    }
    let mut counts = Vec::new();
    for task in tasks {
        let query = "query($id: ID!) { task(id: $id) { drafts { annotation { id } } } }";
        let answer = app.admin.run_with(query, json!({ "id": task })).await;
        let drafts = answer.data()["task"]["drafts"].as_array().unwrap().len();
        counts.push(json!([counters(&app.admin, task).await, drafts]));
    }
    json!({ "annotations": state, "tasks": counts })
}

#[tokio::test]
async fn a_batch_leaves_what_its_items_would_leave_one_by_one() {
    each_database(async |app| {
        let (tasks, ids) = scene(&app).await;
        for (id, input) in items(&tasks, &ids) {
            update(&app.admin, &id, input).await.ok();
        }
        let one_by_one = state(&app, &tasks, &ids).await;

        let (tasks, ids) = scene(&app).await;
        let items = items(&tasks, &ids).into_iter();
        let items: Vec<_> = items
            .map(|(id, input)| json!({ "id": id, "input": input }))
            .collect();
        let answer = update_all(&app.admin, &json!(items), "REJECT_ALL").await;
        assert!(
            words(&answer).iter().all(|word| word == "written"),
            "{}",
            answer.json
        );
        assert_eq!(state(&app, &tasks, &ids).await, one_by_one);
    })
    .await;
}
