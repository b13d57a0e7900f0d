//! Deletion of tasks and projects during writes.

use each_database::each_database;
use entity::{annotation as annotation_row, annotation_revision, task as task_row};
use sea_orm::EntityTrait;
use serde_json::json;

use super::{MANY, assert_consistent, at_once, codes};
use crate::{
    graphql::{create, delete, update},
    support::{Answer, Client, TestApp},
};

async fn run(by: &Client, document: &str, id: &str) -> Answer {
    by.run_with(document, json!({ "id": id })).await
}

const DELETE_TASK: &str = "mutation($id: ID!) { deleteTask(id: $id) { annotationCount } }";
const DELETE_PROJECT: &str =
    "mutation($id: ID!) { deleteProject(id: $id) { taskCount annotationCount } }";
const CREATE_TASKS: &str =
    "mutation($id: ID!) { createTasks(projectId: $id, tasks: [{ data: {} }]) { id } }";

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn every_history_of_a_deleted_task_ends(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let mut ids = vec![];
    for _ in 0..8 {
        ids.push(app.annotation(&app.admin, &task, json!({})).await);
    }
    let answers = at_once((0..MANY).map(|number| {
        let (by, task, other) = (app.admin.clone(), task.clone(), other.clone());
        let id = ids[number % 8].clone();
        async move {
            match number {
                32 => run(&by, DELETE_TASK, &task).await,
                _ if number % 4 == 0 => create(&by, &task, json!({ "result": [] })).await,
                _ if number % 4 == 1 => update(&by, &id, json!({ "leadTime": number })).await,
                _ if number % 4 == 2 => update(&by, &id, json!({ "taskId": other })).await,
                _ => delete(&by, &id).await,
            }
        }
    }))
    .await;
    let outcomes = codes(&answers);
    let missing = outcomes.get("NOT_FOUND").copied().unwrap_or(0);
    let unknown = outcomes.get("BAD_USER_INPUT").copied().unwrap_or(0);
    assert_eq!(outcomes["ok"] + missing + unknown, MANY, "{outcomes:?}");
    answers[32].data();
    assert_consistent(&app).await;
    // Whatever is not there any more has been told to be gone.
    let db = app.app.db.writer();
    let rows = annotation_row::Entity::find().all(db).await.unwrap();
    let revisions = annotation_revision::Entity::find().all(db).await.unwrap();
    for revision in &revisions {
        let id = revision.annotation_id;
        let ends = |other: &annotation_revision::Model| {
            other.annotation_id == id && other.event == annotation_revision::Event::Deleted
        };
        let is_there = rows.iter().any(|row| row.id == id);
        assert_ne!(is_there, revisions.iter().any(ends), "annotation {id}");
    }
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn a_project_goes_whole(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let other = app.task(&project).await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    let answers = at_once((0..MANY).map(|number| {
        let (by, project, task) = (app.admin.clone(), project.clone(), task.clone());
        let (id, other) = (id.clone(), other.clone());
        async move {
            match number {
                32 => {
                    let mut answer = run(&by, DELETE_PROJECT, &project).await;
                    // New tasks may keep it busy for a while.
                    while answer.json.get("errors").is_some() {
                        assert_eq!(answer.code(), "SERVICE_UNAVAILABLE");
                        answer = run(&by, DELETE_PROJECT, &project).await;
                    }
                    answer
                }
                _ if number % 4 == 0 => run(&by, CREATE_TASKS, &project).await,
                _ if number % 4 == 1 => create(&by, &task, json!({ "result": [] })).await,
                _ if number % 4 == 2 => update(&by, &id, json!({ "leadTime": number })).await,
                _ => run(&by, DELETE_TASK, &other).await,
            }
        }
    }))
    .await;
    let outcomes = codes(&answers);
    let missing = outcomes.get("NOT_FOUND").copied().unwrap_or(0);
    let unavailable = outcomes.get("SERVICE_UNAVAILABLE").copied().unwrap_or(0);
    assert_eq!(outcomes["ok"] + missing + unavailable, MANY, "{outcomes:?}");
    let db = app.app.db.writer();
    assert!(task_row::Entity::find().all(db).await.unwrap().is_empty());
    let revisions = annotation_revision::Entity::find();
    assert!(revisions.all(db).await.unwrap().is_empty());
}
