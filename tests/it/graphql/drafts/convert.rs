//! `convertAnnotationToDraft`: an annotation becomes a draft.

use each_database::each_database;
use entity::{annotation_revision::Event, project_member::Role};
use serde_json::{Value, json};

use super::{all, convert, discard, saved, submit};
use crate::{
    graphql::{counters, draft, restore, revisions},
    support::TestApp,
};

#[each_database]
async fn an_annotation_becomes_a_draft_of_whoever_takes_it_back(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let input = json!({ "result": [{ "id": "a", "x": 1.0 }], "leadTime": 3 });
    let id = app.annotation(&ann, &task, input).await;
    // Drafts of others go with the annotation; those of the importer's time are in nobody's way.
    draft(&app, &ann, &task, Some(&id)).await;
    draft(&app, &app.admin, &task, None).await;
    let answer = convert(&app.admin, &id, Some(1)).await;
    let converted = &answer.data()["convertAnnotationToDraft"];
    assert_eq!(converted["task"]["id"], task);
    assert_eq!(converted["annotation"], Value::Null);
    assert_eq!(converted["user"]["id"], app.admin.user_id);
    assert_eq!(converted["result"], json!([{ "id": "a", "x": 1.0 }]));
    assert_eq!(converted["leadTime"], 3.0);
    assert_eq!(all(&app).await.len(), 2);
    assert_eq!(counters(&ann, &task).await, json!([false, 0, 0]));
    let history = revisions(&app, &id).await;
    assert_eq!(
        history.iter().map(|row| row.event).collect::<Vec<_>>(),
        [Event::Created, Event::Deleted]
    );
    // Saving to the task updates the converted draft.
    let draft = converted["id"].as_str().unwrap();
    let again = saved(&app.admin, json!({ "taskId": task, "result": [] })).await;
    assert_eq!(again, draft);
    submit(&app.admin, draft, json!({})).await.ok();
    restore(&ann, &id, 1, None).await.ok();
    assert_eq!(counters(&ann, &task).await, json!([true, 2, 0]));
}

#[each_database]
async fn no_draft_is_lost_by_taking_back(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for of in [json!({ "taskId": task }), json!({ "annotationId": id })] {
        let mut input = of;
        input["result"] = json!([{ "id": "work" }]);
        let draft = saved(&app.admin, input).await;
        let before = app.dump().await;
        let late = convert(&app.admin, &id, Some(2)).await;
        assert_eq!(late.code(), "CONFLICT");
        let refused = convert(&app.admin, &id, None).await;
        assert_eq!(refused.problems(), ["id ALREADY_TAKEN"]);
        assert_eq!(app.dump().await, before);
        discard(&app.admin, &draft).await.ok();
    }
    convert(&app.admin, &id, None).await.ok();
    assert_eq!(convert(&app.admin, &id, None).await.code(), "NOT_FOUND");
}
