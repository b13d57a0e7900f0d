//! GraphQL operations, by mutation.

mod agreement;
mod batch;
mod checks;
mod create;
mod delete;
pub mod drafts;
pub mod flags;
mod predictions;
mod projects;
mod restore;
pub mod reviews;
mod tasks;
mod tokens;
mod update;
mod users;
mod validate_only;
pub mod versions;

use chrono::DateTime;
use entity::{annotation, annotation_draft, annotation_revision, prediction};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// Every field of an annotation but the instants and what is derived from them.
pub const ANNOTATION: &str = "
    id task { id } project { id } result regionCount completedBy { id } createdUsername
    draftCreatedAt updatedBy { id } lastCreatedBy { id } lastAction wasCancelled groundTruth leadTime
    importId parentPrediction { id } parentAnnotation { id } version viewerCanUpdate
    history { nodes { version action actor { id } changedFields } }";

pub async fn update(by: &Client, id: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($id: ID!, $input: UpdateAnnotationInput!) {{
           updateAnnotation(id: $id, input: $input) {{ {ANNOTATION} updatedAt }}
         }}"
    );
    by.run_with(&query, json!({ "id": id, "input": input }))
        .await
}

pub async fn create(by: &Client, task: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($task: ID!, $input: CreateAnnotationInput!) {{
           createAnnotation(taskId: $task, input: $input) {{ {ANNOTATION} uniqueId createdAt updatedAt }}
         }}"
    );
    by.run_with(&query, json!({ "task": task, "input": input }))
        .await
}

pub async fn delete(by: &Client, id: &str) -> Answer {
    by.run_with(
        "mutation($id: ID!) { deleteAnnotation(id: $id) { id uniqueId version taskId } }",
        json!({ "id": id }),
    )
    .await
}

/// Brings back what an annotation was at a version.
pub async fn restore(by: &Client, id: &str, version: i32, expected: Option<i32>) -> Answer {
    let query = format!(
        "mutation($id: ID!, $version: Int!, $expected: Int) {{
           restoreAnnotation(id: $id, version: $version, expectedVersion: $expected) {{
             {ANNOTATION} uniqueId createdAt updatedAt }}
         }}"
    );
    let variables = json!({ "id": id, "version": version, "expected": expected });
    by.run_with(&query, variables).await
}

/// An annotation as a query answers it.
pub async fn read(by: &Client, id: &str) -> Value {
    let query = format!("query($id: ID!) {{ annotation(id: $id) {{ {ANNOTATION} updatedAt }} }}");
    let answer = by.run_with(&query, json!({ "id": id })).await;
    answer.data()["annotation"].clone()
}

/// A task's counters: `[isLabeled, totalAnnotations, cancelledAnnotations]`.
pub async fn counters(by: &Client, task: &str) -> Value {
    let query =
        "query($id: ID!) { task(id: $id) { isLabeled totalAnnotations cancelledAnnotations } }";
    let answer = by.run_with(query, json!({ "id": task })).await;
    let task = &answer.data()["task"];
    json!([
        task["isLabeled"],
        task["totalAnnotations"],
        task["cancelledAnnotations"]
    ])
}

/// A task that so many people have to annotate; its id.
pub async fn task_with_overlap(app: &TestApp, project: &str, overlap: i32) -> String {
    let answer = app
        .admin
        .run_with(
            "mutation($project: ID!, $overlap: Int!) {
               createTasks(projectId: $project, tasks: [{ data: {}, overlap: $overlap }]) { id }
             }",
            json!({ "project": project, "overlap": overlap }),
        )
        .await;
    answer.data()["createTasks"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A draft of an annotation, as somebody saved it; its id.
pub async fn draft(app: &TestApp, by: &Client, task: &str, annotation: Option<&str>) -> String {
    let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let row = annotation_draft::ActiveModel {
        task_id: Set(task.parse().unwrap()),
        annotation_id: Set(annotation.map(|id| id.parse().unwrap())),
        user_id: Set(by.user_id.parse().unwrap()),
        result: Set("[]".to_owned()),
        created_at: Set(at),
        updated_at: Set(at),
        ..Default::default()
    };
    row.insert(app.app.db.writer())
        .await
        .unwrap()
        .id
        .to_string()
}

/// A prediction for a task, as a model made it; its id.
pub async fn prediction(app: &TestApp, project: &str, task: &str) -> String {
    let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let row = prediction::ActiveModel {
        task_id: Set(task.parse().unwrap()),
        project_id: Set(project.parse().unwrap()),
        result: Set(r#"[{"id":"p"}]"#.to_owned()),
        score: Set(Some(0.5)),
        created_at: Set(at),
        updated_at: Set(at),
        ..Default::default()
    };
    row.insert(app.app.db.writer())
        .await
        .unwrap()
        .id
        .to_string()
}

/// An annotation's row.
pub async fn row(app: &TestApp, id: &str) -> annotation::Model {
    let row = annotation::Entity::find_by_id(id.parse::<i64>().unwrap());
    row.one(app.app.db.writer()).await.unwrap().unwrap()
}

/// All revisions of an annotation, oldest first.
pub async fn revisions(app: &TestApp, id: &str) -> Vec<annotation_revision::Model> {
    annotation_revision::Entity::find()
        .filter(annotation_revision::Column::AnnotationId.eq(id.parse::<i64>().unwrap()))
        .order_by_asc(annotation_revision::Column::Version)
        .all(app.app.db.writer())
        .await
        .unwrap()
}
