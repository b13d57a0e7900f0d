//! `deleteTask` and `deleteProject`: deleted and kept rows.

use each_database::each_database;
use entity::{
    annotation, annotation_draft, annotation_revision::Event, annotation_tombstone, event_log,
    prediction as prediction_row, project_member::Role,
};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::{
    events::{Follower, short},
    graphql::{create, draft, prediction, read, restore, revisions, update},
    support::{self, Answer, Client, TestApp},
};

pub async fn delete_task(by: &Client, id: &str) -> Answer {
    let query = "mutation($id: ID!) { deleteTask(id: $id) {
        id project { id } annotationCount predictionCount draftCount
    } }";
    by.run_with(query, json!({ "id": id })).await
}

pub async fn delete_project(by: &Client, id: &str) -> Answer {
    let query = "mutation($id: ID!) { deleteProject(id: $id) {
        id taskCount annotationCount predictionCount draftCount
    } }";
    by.run_with(query, json!({ "id": id })).await
}

async fn count<E: EntityTrait>(app: &TestApp) -> u64
where
    E::Model: Send + Sync,
{
    E::find().count(app.app.db.writer()).await.unwrap()
}

#[each_database]
async fn a_task_goes_with_all_that_hangs_on_it(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let proposal = prediction(&app, &project, &task).await;
    let first = app
        .annotation(&ann, &task, json!({ "parentPredictionId": proposal }))
        .await;
    let second = app
        .annotation(&app.admin, &task, json!({ "wasCancelled": true }))
        .await;
    draft(&app, &ann, &task, Some(&first)).await;
    draft(&app, &ann, &task, None).await;
    // Children elsewhere, which have moved on.
    let child = app
        .annotation(&ann, &task, json!({ "parentAnnotationId": first }))
        .await;
    update(&app.admin, &child, json!({ "taskId": other }))
        .await
        .ok();
    let kept = app.annotation(&app.admin, &other, json!({})).await;
    let answer = delete_task(&app.admin, &task).await;
    assert_eq!(
        answer.data(),
        &json!({ "deleteTask": {
                "id": task, "project": { "id": project }, "annotationCount": 2, "predictionCount": 1,
                "draftCount": 2,
            } })
    );
    assert_eq!(count::<annotation_draft::Entity>(&app).await, 0);
    assert_eq!(count::<prediction_row::Entity>(&app).await, 0);
    assert_eq!(count::<annotation::Entity>(&app).await, 2);
    assert_eq!(
        read(&app.admin, &child).await["parentAnnotation"],
        Value::Null
    );
    assert_eq!(read(&app.admin, &child).await["version"], 2);
    assert_eq!(read(&app.admin, &kept).await["version"], 1);
    for id in [&first, &second] {
        let history = revisions(&app, id).await;
        let last = history.last().unwrap();
        assert_eq!((last.version, last.event), (2, Event::Deleted));
        assert_eq!((last.actor_id, last.changes.as_str()), (Some(1), "{}"));
    }
    assert_eq!(count::<annotation_tombstone::Entity>(&app).await, 2);
    // Its past can be read, and not be brought back.
    let query = "query($id: ID!) { annotationAt(id: $id, version: 1) { result task { id } } }";
    let was = app.admin.run_with(query, json!({ "id": first })).await;
    assert_eq!(
        was.data()["annotationAt"],
        json!({ "result": [{ "id": "r1", "value": { "x": 1 } }], "task": null })
    );
    let back = restore(&app.admin, &first, 1, None).await;
    assert_eq!(back.problems(), ["id NOT_RESTORABLE"]);
    assert_eq!(delete_task(&app.admin, &task).await.code(), "NOT_FOUND");
}

#[each_database]
async fn many_annotations_cost_few_statements(app: TestApp) {
    let (project, few) = app.project_with_task().await;
    let many = app.task(&project).await;
    app.annotation(&app.admin, &few, json!({})).await;
    let items = vec![json!({ "result": [] }); 400];
    let query = "mutation($project: ID!, $tasks: [JSONObject!]!) {
        importTasks(projectId: $project, tasks: $tasks) { taskIds } }";
    let tasks = json!([{ "data": {}, "annotations": items }]);
    let imported = app
        .admin
        .run_with(query, json!({ "project": project, "tasks": tasks }))
        .await;
    let imported = imported.data()["importTasks"]["taskIds"][0].clone();
    let (one, _) = app.statements(delete_task(&app.admin, &few)).await;
    let (hundreds, answer) = app
        .statements(delete_task(&app.admin, imported.as_str().unwrap()))
        .await;
    assert_eq!(answer.data()["deleteTask"]["annotationCount"], 400);
    assert_eq!(one, hundreds);
    delete_task(&app.admin, &many).await.ok();
}

#[each_database]
async fn subscribers_are_told_of_each_annotation_of_a_deleted_task(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let vic = app.member(&project, "vic", Role::Viewer).await;
    let (_, elsewhere) = app.project_with_task().await;
    let ids = [
        app.annotation(&app.admin, &task, json!({})).await,
        app.annotation(&app.admin, &task, json!({})).await,
    ];
    let engine = support::engine(&app.app);
    let mut members = Follower::new(&app.app, &engine, &vic, "").await;
    let mut admins = Follower::new(&app.app, &engine, &app.admin, "").await;
    delete_task(&app.admin, &task).await.ok();
    for id in ids {
        let event = members.event().await;
        assert_eq!(short(&event), format!("DELETED {id} v2"));
        assert_eq!(
            (&event["annotation"], &event["task"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(admins.short().await, format!("DELETED {id} v2"));
    }
    // A project goes without a word, and streams go on.
    delete_project(&app.admin, &project).await.ok();
    let next = app.annotation(&app.admin, &elsewhere, json!({})).await;
    assert_eq!(admins.short().await, format!("CREATED {next} v1"));
}

#[each_database]
async fn a_project_goes_with_its_history(app: TestApp) {
    let before = app.dump().await;
    let (project, task) = app.project_with_task().await;
    let (other, _) = app.project_with_task().await;
    let (_, elsewhere) = app.project_with_task().await;
    let max = app.member(&project, "max", Role::Manager).await;
    let rita = app.member(&project, "rita", Role::Reviewer).await;
    prediction(&app, &project, &task).await;
    let id = app.annotation(&max, &task, json!({})).await;
    let gone = app.annotation(&max, &task, json!({})).await;
    crate::graphql::delete(&max, &gone).await.ok();
    draft(&app, &rita, &task, Some(&id)).await;
    let moved = app.annotation(&max, &task, json!({})).await;
    update(&app.admin, &moved, json!({ "taskId": elsewhere }))
        .await
        .ok();
    for (by, code) in [
        (&rita, "FORBIDDEN"),
        (&app.stranger("sue").await, "NOT_FOUND"),
    ] {
        let before = app.dump().await;
        assert_eq!(delete_project(by, &project).await.code(), code);
        assert_eq!(app.dump().await, before);
    }
    let answer = delete_project(&max, &project).await;
    assert_eq!(
        answer.data(),
        &json!({ "deleteProject": {
                "id": project, "taskCount": 1, "annotationCount": 1, "predictionCount": 1,
                "draftCount": 1,
            } })
    );
    assert_eq!(delete_project(&max, &project).await.code(), "NOT_FOUND");
    assert_eq!(count::<annotation_tombstone::Entity>(&app).await, 0);
    // What moved away lives on, with the part of its history that is elsewhere.
    assert_eq!(read(&app.admin, &moved).await["version"], 2);
    let versions: Vec<i32> = revisions(&app, &moved)
        .await
        .iter()
        .map(|row| row.version)
        .collect();
    assert_eq!(versions, [2]);
    assert!(revisions(&app, &id).await.is_empty());
    let seen = max.run("{ projects { totalCount } }").await;
    assert_eq!(seen.data()["projects"]["totalCount"], 0);
    let left = app
        .admin
        .run("{ projects { totalCount } tasks { totalCount } }")
        .await;
    assert_eq!(
        left.data(),
        &json!({ "projects": { "totalCount": 2 }, "tasks": { "totalCount": 2 } })
    );
    delete_project(&app.admin, &other).await.ok();
    assert_eq!(count::<event_log::Entity>(&app).await, 1);
    assert_ne!(app.dump().await, before);
    let late = create(&max, &task, json!({ "result": [] })).await;
    assert_eq!(late.code(), "NOT_FOUND");
}
