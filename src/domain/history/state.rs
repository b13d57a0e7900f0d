//! What an annotation was at one of its versions, put together from what its revisions changed.

use std::collections::HashMap;

use entity::annotation_revision::{self, Column};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};

use crate::error::Result;

/// Revisions that are read at once.
const PAGE: u64 = 200;

/// The fields of an annotation at one version, as revisions name and write them.
#[derive(Debug, Default)]
pub struct State {
    fields: HashMap<String, Value>,
    /// JSON text.
    pub result: String,
}

impl State {
    /// The id that a field refers to; `None` for nobody.
    pub fn id(&self, field: &str) -> Option<i64> {
        self.fields.get(field)?.as_str()?.parse().ok()
    }

    pub fn flag(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&Value::Bool(true))
    }

    pub fn number(&self, field: &str) -> Option<f64> {
        self.fields.get(field)?.as_f64()
    }
}

/// These fields of an annotation at a version that it had, and its result when `with_result`.
///
/// A revision holds what it changed, and the first one all: the newest that is not after the version and
/// holds a field tells it.
pub async fn at(
    db: &impl ConnectionTrait,
    annotation_id: i64,
    version: i32,
    fields: &[&str],
    with_result: bool,
) -> Result<State> {
    let until = |version: i32| {
        annotation_revision::Entity::find()
            .select_only()
            .filter(Column::AnnotationId.eq(annotation_id))
            .filter(Column::Version.lte(version))
            .order_by_desc(Column::Version)
    };
    let mut state = State::default();
    if with_result {
        let result: Option<String> = until(version)
            .column(Column::Result)
            .filter(Column::Result.is_not_null())
            .into_tuple()
            .one(db)
            .await?;
        state.result = result.unwrap_or_else(|| "[]".to_owned());
    }
    let mut from = version;
    while fields
        .iter()
        .any(|field| !state.fields.contains_key(*field))
    {
        let page: Vec<(i32, String)> = until(from)
            .columns([Column::Version, Column::Changes])
            .limit(PAGE)
            .into_tuple()
            .all(db)
            .await?;
        for (version, changes) in &page {
            let changed: Map<String, Value> = serde_json::from_str(changes)?;
            for (field, value) in changed {
                state.fields.entry(field).or_insert(value);
            }
            from = version - 1;
        }
        if page.len() < PAGE as usize {
            break;
        }
    }
    Ok(state)
}
