//! `submitDraft` and `discardDraft`.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::{all, discard, save, save::configure, saved, submit};
use crate::{
    graphql::{counters, draft, read, row, update},
    support::TestApp,
};

#[each_database]
async fn a_draft_of_a_task_becomes_an_annotation(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let input = json!({ "taskId": task, "result": [{ "id": "a" }], "leadTime": 2 });
    let id = saved(&ann, input).await;
    let imported = draft(&app, &ann, &task, None).await;
    let was = all(&app).await.remove(0);
    let answer = submit(&ann, &id, json!(null)).await;
    let annotation = &answer.data()["submitDraft"];
    assert_eq!(annotation["task"]["id"], task);
    assert_eq!(annotation["result"], json!([{ "id": "a" }]));
    assert_eq!(annotation["leadTime"], 2.0);
    assert_eq!(annotation["completedBy"]["id"], ann.user_id);
    assert_eq!(annotation["lastAction"], "SUBMITTED");
    assert_eq!(annotation["version"], 1);
    let annotation = row(&app, annotation["id"].as_str().unwrap()).await;
    assert_eq!(annotation.draft_created_at, Some(was.created_at));
    assert_eq!(counters(&ann, &task).await, json!([true, 1, 0]));
    let left: Vec<String> = all(&app)
        .await
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    assert_eq!(left, std::slice::from_ref(&imported));
    assert_eq!(submit(&ann, &id, json!({})).await.code(), "NOT_FOUND");
    // An imported one, and one that was skipped.
    let answer = submit(&ann, &imported, json!({ "wasCancelled": true })).await;
    let annotation = &answer.data()["submitDraft"];
    assert_eq!(annotation["lastAction"], "SKIPPED");
    assert_eq!(annotation["draftCreatedAt"], "2023-11-14T22:13:20Z");
    assert_eq!(counters(&ann, &task).await, json!([true, 1, 1]));
}

#[each_database]
async fn a_draft_of_an_annotation_changes_it(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let rae = app.member(&project, "rae", Role::Reviewer).await;
    let id = app.annotation(&ann, &task, json!({ "leadTime": 1 })).await;
    let others = draft(&app, &ann, &task, Some(&id)).await;
    let input = json!({ "annotationId": id, "result": [{ "id": "b" }] });
    let own = saved(&rae, input.clone()).await;
    let answer = submit(
        &rae,
        &own,
        json!({ "groundTruth": true, "expectedVersion": 1 }),
    )
    .await;
    let annotation = &answer.data()["submitDraft"];
    assert_eq!(annotation["id"], id);
    assert_eq!(annotation["result"], json!([{ "id": "b" }]));
    // The submission keeps the annotation's lead time.
    assert_eq!(annotation["leadTime"], 1.0);
    assert_eq!(annotation["groundTruth"], true);
    assert_eq!(annotation["completedBy"]["id"], ann.user_id);
    assert_eq!(annotation["updatedBy"]["id"], rae.user_id);
    assert_eq!(annotation["version"], 2);
    let changed = &annotation["history"]["nodes"][1]["changedFields"];
    assert_eq!(changed, &json!(["groundTruth", "result"]));
    assert_ne!(annotation["draftCreatedAt"], Value::Null);
    let left: Vec<String> = all(&app)
        .await
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    assert_eq!(left, [others]);
    // One that changes nothing is handed in all the same.
    let same = saved(&rae, input).await;
    let before = read(&rae, &id).await;
    submit(&rae, &same, json!({})).await.ok();
    assert_eq!(read(&rae, &id).await, before);
    assert_eq!(all(&app).await.len(), 1);
}

#[each_database]
async fn a_refused_draft_stays(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    configure(&app, &project).await;
    let unfit = json!([{ "id": "a", "from_name": "kind", "to_name": "text", "type": "choices",
            "value": { "choices": ["bad"] } }]);
    let of_task = saved(&ann, json!({ "taskId": task, "result": unfit })).await;
    let of_annotation = saved(&ann, json!({ "annotationId": id, "result": unfit })).await;
    let theirs = saved(&app.admin, json!({ "taskId": task, "result": [] })).await;
    let before = app.dump().await;
    for draft in [&of_task, &of_annotation] {
        let answer = submit(&ann, draft, json!({})).await;
        assert_eq!(
            answer.problems(),
            ["id.result.0.value.choices.0 UNKNOWN_LABEL"]
        );
    }
    for draft in [&of_task, &of_annotation] {
        let answer = submit(&ann, draft, json!({ "groundTruth": true })).await;
        assert_eq!(answer.code(), "FORBIDDEN");
    }
    assert_eq!(submit(&ann, &theirs, json!({})).await.code(), "NOT_FOUND");
    assert_eq!(
        submit(&app.admin, &of_task, json!({})).await.code(),
        "FORBIDDEN"
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn a_draft_of_what_moved_on_is_refused_or_merged(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app
        .annotation(
            &app.admin,
            &task,
            json!({ "result": [{ "id": "a", "x": 1 }, { "id": "b", "x": 1 }] }),
        )
        .await;
    let result = json!([{ "id": "a", "x": 2 }, { "id": "b", "x": 1 }]);
    let draft = saved(&app.admin, json!({ "annotationId": id, "result": result })).await;
    // Somebody else's change; the admin's own would take the draft along.
    let max = app.stranger("max").await;
    let promote = "mutation($id: ID!, $user: ID!) { addProjectMember(projectId: $id, userId: $user, role: MANAGER) { role } }";
    app.admin
        .run_with(promote, json!({ "id": "1", "user": max.user_id }))
        .await
        .ok();
    let change = json!({ "result": [{ "id": "a", "x": 1 }, { "id": "b", "x": 3 }] });
    update(&max, &id, change).await.ok();
    // It knows which version it was begun at, also when it is saved again.
    let again = json!({ "annotationId": id, "result": result });
    saved(&app.admin, again.clone()).await;
    for input in [json!({}), json!({ "expectedVersion": 1 })] {
        let answer = submit(&app.admin, &draft, input).await;
        assert_eq!(answer.code(), "CONFLICT");
    }
    let mut later = again;
    for (version, code) in [(3, "UNKNOWN_VERSION"), (0, "UNKNOWN_VERSION")] {
        later["annotationVersion"] = json!(version);
        let answer = save(&app.admin, later.clone()).await;
        assert_eq!(
            answer.problems(),
            [format!("input.annotationVersion {code}")]
        );
    }
    let merge = json!({ "onConflict": "MERGE" });
    let answer = submit(&app.admin, &draft, merge).await;
    assert_eq!(
        answer.data()["submitDraft"]["result"],
        json!([{ "id": "a", "x": 2 }, { "id": "b", "x": 3 }])
    );
    assert_eq!(all(&app).await, []);
}

#[each_database]
async fn a_discarded_draft_tells_what_it_was(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let max = app.member(&project, "max", Role::Manager).await;
    let rae = app.member(&project, "rae", Role::Reviewer).await;
    let input = json!({ "taskId": task, "result": [{ "id": "a" }], "leadTime": 2 });
    let id = saved(&ann, input).await;
    let before = app.dump().await;
    assert_eq!(discard(&rae, &id).await.code(), "NOT_FOUND");
    assert_eq!(app.dump().await, before);
    let answer = discard(&ann, &id).await;
    let gone = &answer.data()["discardDraft"];
    assert_eq!(gone["id"], id);
    assert_eq!(gone["taskId"], task);
    assert_eq!(gone["annotationId"], Value::Null);
    assert_eq!(gone["result"], json!([{ "id": "a" }]));
    assert_eq!(gone["leadTime"], 2.0);
    assert_eq!(gone["createdAt"], gone["updatedAt"]);
    assert_eq!(all(&app).await, []);
    assert_eq!(discard(&ann, &id).await.code(), "NOT_FOUND");
    // Of somebody who never signs in.
    let id = draft(&app, &ann, &task, None).await;
    discard(&max, &id).await.ok();
    assert_eq!(all(&app).await, []);
}
