//! Concurrent writers of one draft.

use each_database::each_database;
use entity::annotation_revision::Event;
use sea_orm::EntityTrait;
use serde_json::json;

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{
        delete,
        drafts::{all, discard, save, saved, submit},
        revisions,
    },
    support::TestApp,
};

async fn annotations(app: &TestApp) -> Vec<entity::annotation::Model> {
    entity::annotation::Entity::find()
        .all(app.app.db.writer())
        .await
        .unwrap()
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn a_draft_is_submitted_once(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = saved(
        &app.admin,
        json!({ "taskId": task, "result": [{ "id": "a" }] }),
    )
    .await;
    let answers = at_once((0..MANY).map(|_| {
        let (by, id) = (app.admin.clone(), id.clone());
        async move { submit(&by, &id, json!({})).await }
    }))
    .await;
    let outcomes = codes(&answers);
    assert_eq!(
        (outcomes["ok"], outcomes["NOT_FOUND"]),
        (1, MANY - 1),
        "{outcomes:?}"
    );
    assert_eq!(annotations(&app).await.len(), 1);
    assert_eq!(all(&app).await, []);
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn many_saves_are_one_draft(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    let answers = at_once((0..MANY).map(|number| {
        let by = app.admin.clone();
        let mut input = json!({ "result": [{ "save": number }], "leadTime": number });
        match number % 2 {
            0 => input["taskId"] = json!(task),
            _ => input["annotationId"] = json!(annotation),
        }
        async move { save(&by, input).await }
    }))
    .await;
    assert_eq!(codes(&answers), [("ok".to_owned(), MANY)].into());
    // Each save is told what it saved, not what came after it.
    for (number, answer) in answers.iter().enumerate() {
        let told = &answer.data()["saveDraft"];
        assert_eq!(told["result"], json!([{ "save": number }]));
        assert_eq!(told["leadTime"], number as f64);
    }
    let left = all(&app).await;
    assert_eq!(left.len(), 2);
    for row in left {
        let lead_time = row.lead_time.unwrap();
        assert_eq!(row.result, format!(r#"[{{"save":{lead_time}}}]"#));
    }
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_submitted_or_discarded_is_gone_once(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = saved(&app.admin, json!({ "taskId": task, "result": [] })).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, id, task) = (app.admin.clone(), id.clone(), task.clone());
        async move {
            match number % 3 {
                0 => submit(&by, &id, json!({})).await,
                1 => discard(&by, &id).await,
                _ => save(&by, json!({ "taskId": task, "result": [] })).await,
            }
        }
    }))
    .await;
    let outcomes = codes(&answers);
    let saves = (0..MANY).filter(|number| number % 3 == 2).count();
    assert_eq!(outcomes["ok"], saves + 1, "{outcomes:?}");
    assert_eq!(outcomes["NOT_FOUND"], MANY - saves - 1);
    let submits = answers.iter().step_by(3);
    let submitted = submits.filter(|answer| answer.json.get("errors").is_none());
    assert_eq!(annotations(&app).await.len(), submitted.count());
    assert!(all(&app).await.len() <= 1);
    assert_consistent(&app).await;
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn a_draft_is_submitted_or_goes_with_its_annotation(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let annotation = app.annotation(&app.admin, &task, json!({})).await;
    let input = json!({ "annotationId": annotation, "result": [{ "id": "a" }] });
    let id = saved(&app.admin, input).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, id, annotation) = (app.admin.clone(), id.clone(), annotation.clone());
        async move {
            match number % 2 {
                0 => submit(&by, &id, json!({})).await,
                _ => delete(&by, &annotation).await,
            }
        }
    }))
    .await;
    let outcomes = codes(&answers);
    assert_eq!(outcomes["ok"] + outcomes["NOT_FOUND"], MANY, "{outcomes:?}");
    let ok = |answers: Vec<&crate::support::Answer>| {
        let ok = answers
            .iter()
            .filter(|answer| answer.json.get("errors").is_none());
        ok.count()
    };
    let submitted = ok(answers.iter().step_by(2).collect());
    assert!(submitted <= 1);
    assert_eq!(ok(answers.iter().skip(1).step_by(2).collect()), 1);
    let history = revisions(&app, &annotation).await;
    assert_eq!(history.len(), 2 + submitted);
    assert_eq!(history.last().unwrap().event, Event::Deleted);
    assert_eq!(all(&app).await, []);
    assert_consistent(&app).await;
}
