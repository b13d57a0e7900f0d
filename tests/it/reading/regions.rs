//! Regions: fields of every kind, selections, and costs.

mod brush;
mod kinds;
mod lists;
mod rules;

use serde_json::{Value, json};

use crate::support::TestApp;

/// A new annotation with this result; its id.
async fn annotated(app: &TestApp, result: &Value) -> String {
    let (_, task) = app.project_with_task().await;
    app.annotation(&app.admin, &task, json!({ "result": result }))
        .await
}

/// What an annotation answers when its regions are asked for `fields`.
async fn regions(app: &TestApp, id: &str, arguments: &str, fields: &str) -> Value {
    let query = format!("{{ annotation(id: {id}) {{ regions{arguments} {{ {fields} }} }} }}");
    let answer = app.admin.run(&query).await;
    answer.data()["annotation"]["regions"].clone()
}
