//! Snapshots of annotations as of any number of versions, in a fixed number of statements.

mod pages;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action},
    annotation_revision::{self, Column, Event},
    project,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
    sea_query::{Expr, Func},
};
use serde_json::{Map, Value, json};

use self::pages::{Pages, Row};
use super::super::{
    access::{self, Actor},
    large::Reading,
};
use crate::{
    app::{App, memory::Lease},
    db::is_any,
    error::{Problem, ProblemCode, Result},
    id,
};

/// Annotations whose revisions are read at once: each adds a condition to the statement.
const AT_ONCE: usize = 400;

/// Version of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionOf {
    pub annotation_id: i64,
    pub version: i32,
}

/// Annotation as of a version. The snapshot of a deletion's version shows the deleted state.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub annotation_id: i64,
    pub version: i32,
    /// Kind of change that created the version.
    pub event: Event,
    pub task_id: i64,
    pub project_id: i64,
    pub completed_by_id: Option<i64>,
    pub updated_by_id: Option<i64>,
    pub was_cancelled: bool,
    pub ground_truth: bool,
    /// Seconds.
    pub lead_time: Option<f64>,
    pub last_action: Action,
    /// Creation time of the version.
    pub at: DateTime<Utc>,
    pub result: ResultRef,
}

/// Revision that holds the result of a snapshot. A holder of this reference has passed the access check and may read
/// the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResultRef(i64);

/// Accumulates the changes of an annotation in the order of versions.
#[derive(Default)]
struct Fold {
    annotation_id: i64,
    version: i32,
    fields: Map<String, Value>,
    result: Option<ResultRef>,
}

impl Fold {
    /// Applies the next revision. Starts over at a different annotation, and at a gap between versions: the fields
    /// before the gap are unknown.
    fn take(&mut self, row: &Row) -> Result<()> {
        let follows = row.annotation_id == self.annotation_id && row.version == self.version + 1;
        if !follows {
            *self = Self::default();
        }
        let changes: Map<String, Value> = serde_json::from_str(&row.changes)?;
        if changes.contains_key("result") {
            self.result = Some(ResultRef(row.id));
        }
        self.fields.extend(changes);
        (self.annotation_id, self.version) = (row.annotation_id, row.version);
        Ok(())
    }

    /// Returns the result once all fields are known: a creation sets `task`, a later change of a few fields does not.
    fn whole(&self) -> Option<ResultRef> {
        self.result.filter(|_| self.fields.contains_key("task"))
    }
}

/// Starts a new history for annotations that left a project which is to be deleted. The old revisions are deleted
/// with the project, so the first revision outside gets the accumulated fields and result.
pub async fn leave(txn: &impl ConnectionTrait, project_id: i64) -> Result<()> {
    use Column::{AnnotationId, FromProjectId, ProjectId};
    let inside = annotation::Entity::find()
        .select_only()
        .column(annotation::Column::Id)
        .filter(annotation::Column::ProjectId.eq(project_id))
        .into_query();
    let left: Vec<i64> = annotation_revision::Entity::find()
        .select_only()
        .column(AnnotationId)
        .distinct()
        .filter(ProjectId.eq(project_id))
        .filter(
            Condition::any()
                .add(AnnotationId.not_in_subquery(inside))
                .add(FromProjectId.is_not_null()),
        )
        .into_tuple()
        .all(txn)
        .await?;
    // `i32::MAX` selects all versions.
    let left: Vec<(i64, i32)> = left.into_iter().map(|id| (id, i32::MAX)).collect();
    for some in left.chunks(AT_ONCE) {
        let mut fold = Fold::default();
        let mut last = (0, 0);
        let mut pages = Pages::of(some);
        while let Some(page) = pages.next(txn).await? {
            for row in page {
                fold.take(&row)?;
                // The first revision outside follows directly on a revision inside the project.
                let begins =
                    row.project_id != project_id && last == (row.annotation_id, project_id);
                if begins && let Some(result) = fold.whole() {
                    begin_with(txn, &row, &fold.fields, result).await?;
                }
                last = (row.annotation_id, row.project_id);
            }
        }
    }
    Ok(())
}

async fn begin_with(
    txn: &impl ConnectionTrait,
    row: &Row,
    fields: &Map<String, Value>,
    result: ResultRef,
) -> Result<()> {
    let text = read_results(txn, &[result]).await?.remove(&result);
    annotation_revision::Entity::update_many()
        .col_expr(Column::Changes, Expr::val(serde_json::to_string(fields)?))
        .col_expr(Column::Result, Expr::val(text))
        .filter(Column::Id.eq(row.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Reads snapshots of the versions that exist and whose project the actor sees.
///
/// The fold includes revisions of projects that the actor does not see: values set there remain part of the
/// annotation.
pub async fn load(
    db: &impl ConnectionTrait,
    actor: &Actor,
    versions: &[VersionOf],
) -> Result<HashMap<VersionOf, Snapshot>> {
    let wanted: HashSet<VersionOf> = versions.iter().copied().collect();
    let mut newest: BTreeMap<i64, i32> = BTreeMap::new();
    for key in &wanted {
        let version = newest.entry(key.annotation_id).or_default();
        *version = Ord::max(key.version, *version);
    }
    let newest: Vec<(i64, i32)> = newest.into_iter().collect();
    let mut found = HashMap::with_capacity(wanted.len());
    for some in newest.chunks(AT_ONCE) {
        let mut fold = Fold::default();
        let mut pages = Pages::of(some);
        while let Some(page) = pages.next(db).await? {
            for row in page {
                fold.take(&row)?;
                let key = VersionOf {
                    annotation_id: row.annotation_id,
                    version: row.version,
                };
                if wanted.contains(&key)
                    && let Some(result) = fold.whole()
                {
                    found.insert(key, snapshot(&row, &fold.fields, result));
                }
            }
        }
    }
    // Checks the project of each version, not the present project: an annotation may have moved since.
    let seen = seen_projects(db, actor, found.values()).await?;
    found.retain(|_, snapshot| seen.contains(&snapshot.project_id));
    Ok(found)
}

/// Finds the version by number or by instant, of which exactly one is required. Is `None` before the first version, and
/// while the annotation was deleted.
///
/// Does not check access: [`load`] does.
pub async fn version_at(
    app: &App,
    annotation_id: i64,
    version: Option<i32>,
    instant: Option<DateTime<Utc>>,
) -> Result<Option<i32>> {
    let instant = match (version, instant) {
        (Some(version), None) => return Ok(Some(version)),
        (None, Some(instant)) => instant,
        (None, None) => {
            let message = "give either a version or an instant";
            return Err(Problem::new(["version"], ProblemCode::Required, message).into());
        }
        (Some(_), Some(_)) => {
            let message = "give either a version or an instant, not both";
            return Err(Problem::new(["asOf"], ProblemCode::NotTogether, message).into());
        }
    };
    // Revisions of an annotation rise in time with their versions, so the last version up to the instant was current.
    let newest: Option<(i32, Event)> = annotation_revision::Entity::find()
        .select_only()
        .columns([Column::Version, Column::Event])
        .filter(Column::AnnotationId.eq(annotation_id))
        .filter(Column::CreatedAt.lte(instant))
        .order_by_desc(Column::Version)
        .into_tuple()
        .one(app.db.reader())
        .await?;
    Ok(newest
        .filter(|(_, event)| *event != Event::Deleted)
        .map(|(version, _)| version))
}

/// The results of snapshots, JSON texts, with the memory that they take. That of several results is leased before they
/// are read; of a single one after, which saves a statement.
pub async fn results(
    app: &App,
    db: &impl ConnectionTrait,
    results: &[ResultRef],
) -> Result<(HashMap<ResultRef, String>, Lease)> {
    let mut lease = app.memory.empty();
    if results.len() > 1 {
        lease.grow(bytes(db, results).await?)?;
    }
    let found = read_results(db, results).await?;
    if let [_] = results {
        let bytes: usize = found.values().map(String::len).sum();
        lease.grow(bytes as u64)?;
    }
    Ok((found, lease))
}

/// Selects the revisions that hold these results, without columns.
fn revisions(
    db: &impl ConnectionTrait,
    results: &[ResultRef],
) -> Select<annotation_revision::Entity> {
    let ids = results.iter().map(|result| result.0);
    annotation_revision::Entity::find()
        .select_only()
        .filter(is_any(db.get_database_backend(), Column::Id, ids))
}

/// Bytes that the results of snapshots have together.
async fn bytes(db: &impl ConnectionTrait, results: &[ResultRef]) -> Result<u64> {
    let length = Func::cust("octet_length").arg(Expr::col(Column::Result));
    let lengths: Vec<Option<i64>> = revisions(db, results)
        .expr_as(Expr::expr(length).cast_as("bigint"), "bytes")
        .into_tuple()
        .all(db)
        .await?;
    Ok(lengths.into_iter().flatten().map(i64::unsigned_abs).sum())
}

async fn read_results(
    db: &impl ConnectionTrait,
    results: &[ResultRef],
) -> Result<HashMap<ResultRef, String>> {
    let found: Vec<(i64, Option<String>)> = revisions(db, results)
        .columns([Column::Id, Column::Result])
        .into_tuple()
        .all(db)
        .await?;
    let found = found.into_iter();
    Ok(found
        .filter_map(|(id, text)| Some((ResultRef(id), text?)))
        .collect())
}

/// Reads the results of snapshots, charged `times` times to the answer's budget.
pub async fn charged_results(
    app: &App,
    results: &[ResultRef],
    times: u64,
) -> Result<HashMap<ResultRef, Result<String>>> {
    let revisions = annotation_revision::Entity::find();
    let reading = Reading::new(app, revisions.clone(), times);
    let named = revisions.filter(is_any(
        app.db.backend(),
        Column::Id,
        results.iter().map(|result| result.0),
    ));
    let rows = reading.few(named, results.len(), |row| row.id).await?;
    let texts = rows.into_iter().filter_map(|(id, row)| {
        let text = row.map(|row| row.result).transpose()?;
        Some((ResultRef(id), text))
    });
    Ok(texts.collect())
}

/// A field in which two snapshots differ.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Public name of the field.
    pub field: &'static str,
    /// Value before; references are ids as strings.
    pub before: Value,
    pub after: Value,
}

/// Lists the fields other than `result` that differ between two snapshots, by name. Ids of people outside `visible`
/// are null.
pub fn changed_fields(
    before: &Snapshot,
    after: &Snapshot,
    visible: &HashSet<i64>,
) -> Vec<FieldChange> {
    let id = |id: Option<i64>| json!(id.map(|id| id.to_string()));
    // An invisible person becomes null, yet the field is still listed: the change itself is visible.
    let person = |person: Option<i64>| id(person.filter(|id| visible.contains(id)));
    let mut changes = Vec::new();
    let mut note = |field, differs: bool, before: Value, after: Value| {
        if differs {
            changes.push(FieldChange {
                field,
                before,
                after,
            });
        }
    };
    let (was, is) = (before.completed_by_id, after.completed_by_id);
    note("completedBy", was != is, person(was), person(is));
    let (was, is) = (before.ground_truth, after.ground_truth);
    note("groundTruth", was != is, json!(was), json!(is));
    let (was, is) = (before.lead_time, after.lead_time);
    note("leadTime", was != is, json!(was), json!(is));
    let (was, is) = (Some(before.project_id), Some(after.project_id));
    note("project", was != is, id(was), id(is));
    let (was, is) = (Some(before.task_id), Some(after.task_id));
    note("task", was != is, id(was), id(is));
    let (was, is) = (before.updated_by_id, after.updated_by_id);
    note("updatedBy", was != is, person(was), person(is));
    let (was, is) = (before.was_cancelled, after.was_cancelled);
    note("wasCancelled", was != is, json!(was), json!(is));
    changes
}

fn snapshot(row: &Row, fields: &Map<String, Value>, result: ResultRef) -> Snapshot {
    let field = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    Snapshot {
        annotation_id: row.annotation_id,
        version: row.version,
        event: row.event,
        task_id: row.task_id,
        project_id: row.project_id,
        completed_by_id: field("completedBy").as_str().and_then(id::parse),
        updated_by_id: row.updated_by_id,
        was_cancelled: field("wasCancelled") == &Value::Bool(true),
        ground_truth: field("groundTruth") == &Value::Bool(true),
        lead_time: field("leadTime").as_f64(),
        last_action: row.action,
        at: row.created_at,
        result,
    }
}

async fn seen_projects(
    db: &impl ConnectionTrait,
    actor: &Actor,
    snapshots: impl Iterator<Item = &Snapshot>,
) -> Result<HashSet<i64>> {
    let ids: HashSet<i64> = snapshots.map(|snapshot| snapshot.project_id).collect();
    // Admins see all projects, and revisions are deleted with their project: each of these projects exists.
    if actor.is_admin() || ids.is_empty() {
        return Ok(ids);
    }
    let seen: Vec<i64> = access::visible_projects(actor)
        .select_only()
        .column(project::Column::Id)
        .filter(is_any(db.get_database_backend(), project::Column::Id, ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(seen.into_iter().collect())
}
