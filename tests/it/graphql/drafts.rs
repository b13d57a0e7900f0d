//! Draft mutations and queries.

mod annotation_changes;
mod convert;
mod listing;
mod replaced;
pub mod save;
mod submit;
mod versions;

use entity::annotation_draft;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use super::ANNOTATION;
use crate::support::{Answer, Client, TestApp};

const DRAFT: &str =
    "id task { id } annotation { id } user { id } result leadTime createdAt updatedAt";

pub async fn save(by: &Client, input: Value) -> Answer {
    let query =
        format!("mutation($input: SaveDraftInput!) {{ saveDraft(input: $input) {{ {DRAFT} }} }}");
    by.run_with(&query, json!({ "input": input })).await
}

/// Saves and answers with the id.
pub async fn saved(by: &Client, input: Value) -> String {
    let answer = save(by, input).await;
    answer.data()["saveDraft"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub async fn submit(by: &Client, id: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($id: ID!, $input: SubmitDraftInput) {{
           submitDraft(id: $id, input: $input) {{ {ANNOTATION} }} }}"
    );
    by.run_with(&query, json!({ "id": id, "input": input }))
        .await
}

pub async fn discard(by: &Client, id: &str) -> Answer {
    let query = "mutation($id: ID!) { discardDraft(id: $id) {
        id taskId annotationId result leadTime createdAt updatedAt } }";
    by.run_with(query, json!({ "id": id })).await
}

pub async fn convert(by: &Client, id: &str, expected: Option<i32>) -> Answer {
    let query = format!(
        "mutation($id: ID!, $expected: Int) {{
           convertAnnotationToDraft(id: $id, expectedVersion: $expected) {{ {DRAFT} }} }}"
    );
    by.run_with(&query, json!({ "id": id, "expected": expected }))
        .await
}

/// All drafts there are.
pub async fn all(app: &TestApp) -> Vec<annotation_draft::Model> {
    annotation_draft::Entity::find()
        .order_by_asc(annotation_draft::Column::Id)
        .all(app.app.db.writer())
        .await
        .unwrap()
}
