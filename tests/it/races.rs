//! Concurrency: no lost update, and exact counters.

mod annotation;
mod batch;
mod delete;
mod draft;
mod restore;
mod review;
mod task;
mod user;
mod version;

use std::collections::HashMap;

use entity::{annotation as annotation_row, annotation_revision::Event, task as task_row};
use sea_orm::EntityTrait;
use serde_json::{Map, Value};

use crate::{
    graphql::revisions,
    support::{Answer, TestApp},
};

/// How many act at once.
const MANY: usize = 64;

/// Starts all requests before it waits for any, and answers in their order.
async fn at_once<F>(requests: impl IntoIterator<Item = F>) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(MANY));
    let running: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                request.await
            })
        })
        .collect();
    assert_eq!(running.len(), MANY);
    let mut answers = Vec::with_capacity(MANY);
    for request in running {
        answers.push(request.await.unwrap());
    }
    answers
}

/// How many answers are without error, and how many have which code.
fn codes(answers: &[Answer]) -> HashMap<String, usize> {
    let mut codes = HashMap::new();
    for answer in answers {
        let code = match answer.json.get("errors") {
            None => "ok".to_owned(),
            Some(_) => answer.code().to_owned(),
        };
        *codes.entry(code).or_insert(0) += 1;
    }
    codes
}

/// Every annotation is what its history makes of it, every task's counters are those of its annotations,
/// and no task has two ground truths.
pub async fn assert_consistent(app: &TestApp) {
    let db = app.app.db.writer();
    let annotations = annotation_row::Entity::find().all(db).await.unwrap();
    for row in &annotations {
        assert_replays(app, row).await;
    }
    for task in task_row::Entity::find().all(db).await.unwrap() {
        let its: Vec<_> = annotations
            .iter()
            .filter(|row| row.task_id == task.id)
            .collect();
        let done: Vec<_> = its.iter().filter(|row| !row.was_cancelled).collect();
        let mut authors: Vec<_> = done.iter().map(|row| row.completed_by_id).collect();
        authors.sort_unstable();
        authors.dedup();
        let counted = (
            task.total_annotations,
            task.cancelled_annotations,
            task.is_labeled,
        );
        let is_labeled = authors.len() >= task.overlap.try_into().unwrap();
        let expected = (
            i32::try_from(done.len()).unwrap(),
            i32::try_from(its.len() - done.len()).unwrap(),
            is_labeled,
        );
        assert_eq!(counted, expected, "task {}", task.id);
        assert!(
            its.iter().filter(|row| row.ground_truth).count() <= 1,
            "task {}",
            task.id
        );
        assert!(its.iter().all(|row| row.project_id == task.project_id));
    }
}

/// Replays the history of an annotation: gapless from version 1, and ending in the row.
async fn assert_replays(app: &TestApp, row: &annotation_row::Model) {
    let mut state = Map::new();
    let mut result = None;
    let history = revisions(app, &row.id.to_string()).await;
    for (index, revision) in history.iter().enumerate() {
        assert_eq!(usize::try_from(revision.version).unwrap(), index + 1);
        assert_eq!(revision.event == Event::Created, index == 0);
        let changes: Map<String, Value> = serde_json::from_str(&revision.changes).unwrap();
        // What is deleted or back again is just that.
        assert!(!changes.is_empty() || matches!(revision.event, Event::Deleted | Event::Restored));
        state.extend(changes);
        result = revision.result.clone().or(result);
    }
    let last = history.last().unwrap();
    assert_eq!(last.version, row.version);
    assert_eq!(last.actor_id, row.last_created_by_id);
    assert_eq!(last.updated_by_id, row.updated_by_id);
    assert_eq!(Some(last.action), row.last_action);
    assert_eq!(
        (last.task_id, last.project_id),
        (row.task_id, row.project_id)
    );
    assert_eq!(result.as_deref(), Some(row.result.as_str()));
    let id = |id: Option<i64>| id.map_or(Value::Null, |id| id.to_string().into());
    assert_eq!(state["task"], id(Some(row.task_id)));
    assert_eq!(state["project"], id(Some(row.project_id)));
    assert_eq!(state["completedBy"], id(row.completed_by_id));
    assert_eq!(state["wasCancelled"], row.was_cancelled);
    assert_eq!(state["groundTruth"], row.ground_truth);
    assert_eq!(state["leadTime"].as_f64(), row.lead_time);
}
