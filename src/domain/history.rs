//! History of an annotation: a revision per accepted change, never rewritten (`docs/decisions/0009-history.md`).

pub mod snapshot;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action},
    annotation_revision::{self, Event},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait,
    ExprTrait, FromQueryResult, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr,
};
use serde_json::{Map, Value, json};

use self::snapshot::{ResultRef, Snapshot, VersionOf};
use super::{
    access::{self, Actor},
    bulk,
    large::{Large, Reading},
    page::{Columns, Key, Page, PageRows},
};
use crate::{app::App, db::is_any, error::Result};

impl Large for annotation_revision::Entity {
    const ID: annotation_revision::Column = annotation_revision::Column::Id;
    const LARGE: &'static [annotation_revision::Column] = &[annotation_revision::Column::Result];

    fn texts(row: &annotation_revision::Model) -> usize {
        row.changes.len()
    }
}

/// Field with the reviewer's comment in a revision's changes.
const REVIEWS: &str = "reviews";

/// New values of all fields that a change sets, by the field's public name.
#[derive(Debug, Default)]
pub struct Changes {
    fields: Map<String, Value>,
    result: Option<String>,
    /// Former task and project of an annotation that moved.
    from: Option<(i64, i64)>,
}

impl Changes {
    /// Collects all fields of a new annotation.
    pub fn of_new(row: &annotation::Model) -> Self {
        let mut changes = Self::default();
        changes.result(&row.result);
        changes.id("task", Some(row.task_id));
        changes.id("project", Some(row.project_id));
        changes.id("completedBy", row.completed_by_id);
        changes.field("wasCancelled", row.was_cancelled);
        changes.field("groundTruth", row.ground_truth);
        changes.field("leadTime", row.lead_time);
        changes
    }

    /// Records the new result as JSON text.
    pub fn result(&mut self, text: &str) {
        // A null marks the result as changed; the text is in the revision's column `result`, parsed only on demand.
        self.fields.insert("result".to_owned(), Value::Null);
        self.result = Some(text.to_owned());
    }

    /// Records an id as a string, as the schema prints ids; null for none.
    pub fn id(&mut self, field: &str, id: Option<i64>) {
        self.field(field, id.map(|id| id.to_string()));
    }

    /// Records the new value of a field under its name in the schema.
    pub fn field(&mut self, field: &str, value: impl serde::Serialize) {
        self.fields.insert(field.to_owned(), json!(value));
    }

    /// Records a review's comment; the verdict is the revision's action.
    pub fn review(&mut self, comment: Option<&str>) {
        self.field(REVIEWS, json!({ "comment": comment }));
    }

    /// Records the former task and project of a moved annotation.
    pub fn moved_from(&mut self, task_id: i64, project_id: i64) {
        self.from = Some((task_id, project_id));
    }

    /// Says whether no field changed.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Says whether the field changed.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }
}

/// Builds the revision that leads to the state of `row`.
pub fn revision(
    row: &annotation::Model,
    event: Event,
    action: Action,
    actor_id: Option<i64>,
    at: DateTime<Utc>,
    changes: Changes,
) -> Result<annotation_revision::ActiveModel> {
    Ok(annotation_revision::ActiveModel {
        annotation_id: Set(row.id),
        version: Set(row.version),
        event: Set(event),
        action: Set(action),
        task_id: Set(row.task_id),
        project_id: Set(row.project_id),
        from_task_id: Set(changes.from.map(|(task_id, _)| task_id)),
        from_project_id: Set(changes.from.map(|(_, project_id)| project_id)),
        actor_id: Set(actor_id),
        updated_by_id: Set(row.updated_by_id),
        created_at: Set(at),
        changes: Set(serde_json::to_string(&changes.fields)?),
        result: Set(changes.result),
        ..Default::default()
    })
}

/// Appends revisions; revisions of the same annotation have to be in the order of versions.
pub async fn append_all(
    txn: &DatabaseTransaction,
    revisions: Vec<annotation_revision::ActiveModel>,
) -> Result<()> {
    Ok(bulk::insert(txn, revisions).await?)
}

/// Lists the public names of the fields that a revision changed, in alphabetical order.
pub fn changed_fields(changes: &str) -> Result<Vec<String>> {
    let fields: Map<String, Value> = serde_json::from_str(changes)?;
    let mut names: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    Ok(names)
}

/// Reads the reviewer's comment of a revision that is a review.
pub fn comment(changes: &str) -> Result<Option<String>> {
    let fields: Map<String, Value> = serde_json::from_str(changes)?;
    let review = fields.get(REVIEWS);
    let comment = review.and_then(|review| review["comment"].as_str());
    Ok(comment.map(str::to_owned))
}

/// Range of an annotation's newest changes, after a version.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    pub annotation_id: i64,
    pub version: i32,
    /// Current version of the annotation.
    pub current: i32,
}

/// Lists the fields changed since a version, by annotation, without repetition, in alphabetical order. Reads at most
/// the newest thousand changes per annotation.
pub async fn changed_since(
    db: &impl ConnectionTrait,
    wanted: impl IntoIterator<Item = Since>,
) -> Result<HashMap<i64, Vec<String>>> {
    use annotation_revision::Column::{AnnotationId, Changes, Version};
    let mut which = Condition::any();
    for since in wanted {
        // Bounds the read: an annotation that a script changes all the time can be hundreds of thousands of versions
        // ahead.
        let from = std::cmp::max(since.version, since.current.saturating_sub(1_000));
        let of_one = AnnotationId.eq(since.annotation_id).and(Version.gt(from));
        which = which.add(of_one);
    }
    let mut names: HashMap<i64, Vec<String>> = HashMap::new();
    // An empty `any` would match every revision.
    if which.is_empty() {
        return Ok(names);
    }
    let revisions: Vec<(i64, String)> = annotation_revision::Entity::find()
        .select_only()
        .columns([AnnotationId, Changes])
        .filter(which)
        .into_tuple()
        .all(db)
        .await?;
    for (id, changes) in &revisions {
        names
            .entry(*id)
            .or_default()
            .extend(changed_fields(changes)?);
    }
    for names in names.values_mut() {
        names.sort_unstable();
        names.dedup();
    }
    Ok(names)
}

/// Reads the same page of several annotations' histories, oldest revision first, without results: a snapshot's result
/// is read on demand.
pub async fn of_annotations(
    app: &App,
    actor: &Actor,
    annotation_ids: &[i64],
    page: &Page,
) -> Result<HashMap<i64, Result<PageRows<annotation_revision::Model>>>> {
    use annotation_revision::Column;
    let visible = access::visible_revisions(actor);
    let select = |id: Expr| {
        visible
            .clone()
            .filter(ExprTrait::eq(Column::AnnotationId.into_expr(), id))
    };
    page.fetch_per_parent(
        // Zero times: results stay empty and are charged nothing.
        &Reading::new(app, visible.clone(), 0),
        select,
        Columns {
            key: Key::Id,
            id: annotation_revision::Column::Version,
            descending: false,
        },
        annotation_revision::Column::AnnotationId,
        annotation_ids,
    )
    .await
}

/// Last revision of an annotation.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct Newest {
    pub version: i32,
    pub event: Event,
    pub task_id: i64,
}

/// Reads the newest revision of an annotation, deleted or not, or `None` unless the actor sees that revision.
pub async fn newest(
    db: &impl ConnectionTrait,
    actor: &Actor,
    annotation_id: i64,
) -> Result<Option<Newest>> {
    use annotation_revision::Column::{AnnotationId, Event, TaskId, Version};
    // The maximum spans all revisions, visible or not: a visible older revision must not pass for the newest.
    let newest = annotation_revision::Entity::find()
        .select_only()
        .column_as(Version.max(), "version")
        .filter(AnnotationId.eq(annotation_id))
        .into_query();
    Ok(access::visible_revisions(actor)
        .select_only()
        .columns([Version, Event, TaskId])
        .filter(AnnotationId.eq(annotation_id))
        .filter(Version.in_subquery(newest))
        .into_model()
        .one(db)
        .await?)
}

/// Reads annotations as of several versions, where visible to the actor.
pub async fn snapshots(
    app: &App,
    actor: &Actor,
    versions: &[VersionOf],
) -> Result<HashMap<VersionOf, Snapshot>> {
    snapshot::load(app.db.reader(), actor, versions).await
}

/// Reads the results of snapshots as JSON texts, charged `times` times to the answer's budget.
pub async fn results(
    app: &App,
    results: &[ResultRef],
    times: u64,
) -> Result<HashMap<ResultRef, Result<String>>> {
    snapshot::charged_results(app, results, times).await
}

/// Counts the visible revisions of several annotations.
pub async fn count_of_annotations(
    app: &App,
    actor: &Actor,
    annotation_ids: &[i64],
) -> Result<HashMap<i64, i64>> {
    let counts: Vec<(i64, i64)> = access::visible_revisions(actor)
        .filter(is_any(
            app.db.backend(),
            annotation_revision::Column::AnnotationId,
            annotation_ids.iter().copied(),
        ))
        .select_only()
        .column(annotation_revision::Column::AnnotationId)
        .column_as(annotation_revision::Column::Id.count(), "count")
        .group_by(annotation_revision::Column::AnnotationId)
        .into_tuple()
        .all(app.db.counter())
        .await?;
    Ok(counts.into_iter().collect())
}
