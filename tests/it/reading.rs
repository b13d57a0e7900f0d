//! Reads: objects by id, lists and pages, derived fields, and their costs.

mod answer_filters;
mod case_folding;
mod cost;
mod created_ago;
mod cursors;
mod fields;
mod filter_semantics;
mod filters;
mod history;
mod label_filters;
mod nested_filters;
mod pages;
mod regions;
mod results;

pub use self::{fields::predict, label_filters::check_index};

use chrono::{DateTime, Utc};
use entity::annotation;
use sea_orm::{ActiveModelTrait, ActiveValue::Unchanged};
use serde_json::Value;

use crate::support::TestApp;

/// Writes columns of an annotation that no mutation lets a client set.
async fn set(app: &TestApp, id: &str, columns: annotation::ActiveModel) {
    let row = annotation::ActiveModel {
        id: Unchanged(id.parse().unwrap()),
        ..columns
    };
    row.update(app.app.db.writer()).await.unwrap();
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The ids of a list's nodes.
#[track_caller]
fn ids(connection: &Value) -> Vec<String> {
    let nodes = connection["nodes"]
        .as_array()
        .unwrap_or_else(|| panic!("{connection}"));
    nodes
        .iter()
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect()
}
