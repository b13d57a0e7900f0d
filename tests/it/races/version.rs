//! Concurrent changes with the same expected version.

use each_database::each_database;
use serde_json::json;

use super::{MANY, at_once, codes};
use crate::{
    graphql::{drafts, versions::guarded},
    support::TestApp,
};

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_to_one_version_one_is_made(app: TestApp) {
    for number in 0..guarded().len() {
        guarded()[number].make(&app).await;
        let answers = at_once((0..MANY).map(|client| {
            let by = app.admin.clone();
            async move {
                let guarded = &guarded()[number];
                let mut change = guarded.changes[0].clone();
                match guarded.of {
                    "task" => change["overlap"] = json!(client + 2),
                    "prediction" => change["score"] = json!(client),
                    _ => change["title"] = json!(format!("by {client}")),
                }
                guarded.update(&by, change, Some(json!(1))).await
            }
        }))
        .await;
        let outcomes = codes(&answers);
        assert_eq!(
            (outcomes["ok"], outcomes["CONFLICT"]),
            (1, MANY - 1),
            "{outcomes:?}"
        );
        assert_eq!(guarded()[number].version(&app.admin).await, 2);
    }
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn every_change_without_an_expectation_raises_the_version(app: TestApp) {
    for number in 0..guarded().len() {
        guarded()[number].make(&app).await;
        let answers = at_once((0..MANY).map(|client| {
            let by = app.admin.clone();
            async move {
                let guarded = &guarded()[number];
                let change = match guarded.of {
                    "task" => json!({ "meta": { "by": client } }),
                    "prediction" => json!({ "modelVersion": format!("by {client}") }),
                    _ => json!({ "title": format!("by {client}") }),
                };
                guarded.update(&by, change, None).await
            }
        }))
        .await;
        assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
        let version = guarded()[number].version(&app.admin).await;
        assert_eq!(
            usize::try_from(version).unwrap(),
            MANY + 1,
            "{}",
            guarded()[number].of
        );
    }
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_saves_one_begins_the_draft(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    for place in [
        json!({ "taskId": task }),
        json!({ "annotationId": annotation }),
    ] {
        for expected in [0, 1] {
            let answers = at_once((0..MANY).map(|client| {
                let by = app.admin.clone();
                let mut input = place.clone();
                input["result"] = json!([{ "id": format!("of {client} at {expected}") }]);
                input["expectedVersion"] = json!(expected);
                async move { drafts::save(&by, input).await }
            }))
            .await;
            let outcomes = codes(&answers);
            assert_eq!(
                (outcomes["ok"], outcomes["CONFLICT"]),
                (1, MANY - 1),
                "{outcomes:?}"
            );
        }
    }
    let left = drafts::all(&app).await;
    assert_eq!(
        left.iter().map(|row| row.version).collect::<Vec<_>>(),
        [2, 2]
    );
}
