//! Annotations as they were: for any number of versions at once, in a fixed number of statements.

mod pages;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action},
    annotation_revision::{self, Column, Event},
    project,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::Expr,
};
use serde_json::{Map, Value, json};

use self::pages::{Pages, Row};
use super::super::{
    access::{self, Actor},
    large::Reading,
};
use crate::{
    app::App,
    error::{Error, Problem, ProblemCode, Result},
    id,
};

/// Annotations whose revisions are read at once: each is a condition of its own.
const AT_ONCE: usize = 400;

/// A version of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionOf {
    pub annotation_id: i64,
    pub version: i32,
}

/// What an annotation was at one version. A tombstone's version is what was deleted.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub annotation_id: i64,
    pub version: i32,
    /// What made the version.
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
    /// When the version was made.
    pub at: DateTime<Utc>,
    pub result: ResultRef,
}

/// Where the history holds the result of a snapshot. Whoever has one may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResultRef(i64);

/// What the changes of an annotation come to, one after the other.
#[derive(Default)]
struct Fold {
    annotation_id: i64,
    version: i32,
    fields: Map<String, Value>,
    result: Option<ResultRef>,
}

impl Fold {
    /// Takes the next row. Behind another annotation, and behind a gap, nothing is known.
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

    /// The result, once everything of the annotation is known.
    fn whole(&self) -> Option<ResultRef> {
        self.result.filter(|_| self.fields.contains_key("task"))
    }
}

/// Makes the histories of annotations that left a project begin anew behind it: what came before goes with the
/// project, and what it added up to is written into the first change of what stays.
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
    let left: Vec<(i64, i32)> = left.into_iter().map(|id| (id, i32::MAX)).collect();
    for some in left.chunks(AT_ONCE) {
        let mut fold = Fold::default();
        let mut last = (0, 0);
        let mut pages = Pages::of(some);
        while let Some(page) = pages.next(txn).await? {
            for row in page {
                fold.take(&row)?;
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
    let text = self::results(txn, &[result]).await?.remove(&result);
    annotation_revision::Entity::update_many()
        .col_expr(Column::Changes, Expr::val(serde_json::to_string(fields)?))
        .col_expr(Column::Result, Expr::val(text))
        .filter(Column::Id.eq(row.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Snapshots of those of the versions that there were, and whose project the actor sees.
///
/// What an older version set counts, wherever the annotation was then.
pub async fn load(
    db: &impl ConnectionTrait,
    actor: &Actor,
    versions: &[VersionOf],
) -> Result<HashMap<VersionOf, Snapshot>> {
    let wanted: HashSet<VersionOf> = versions.iter().copied().collect();
    let mut newest: BTreeMap<i64, i32> = BTreeMap::new();
    for key in &wanted {
        let version = newest.entry(key.annotation_id).or_default();
        *version = key.version.max(*version);
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
    let seen = seen_projects(db, actor, found.values()).await?;
    found.retain(|_, snapshot| seen.contains(&snapshot.project_id));
    Ok(found)
}

/// The version that is meant by its number or by an instant, of which exactly one has to be given. `None`
/// before the first version, and while the annotation was deleted.
///
/// Of any annotation: whether the actor sees that version is asked by [`load`].
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

/// The results of snapshots, JSON texts.
pub async fn results(
    db: &impl ConnectionTrait,
    results: &[ResultRef],
) -> Result<HashMap<ResultRef, String>> {
    let found: Vec<(i64, Option<String>)> = annotation_revision::Entity::find()
        .select_only()
        .columns([Column::Id, Column::Result])
        .filter(Column::Id.is_in(results.iter().map(|result| result.0)))
        .into_tuple()
        .all(db)
        .await?;
    let found = found.into_iter();
    Ok(found
        .filter_map(|(id, text)| Some((ResultRef(id), text?)))
        .collect())
}

/// The results of snapshots, charged to the answer that holds each so many times.
pub async fn charged_results(
    app: &App,
    results: &[ResultRef],
    times: u64,
) -> Result<HashMap<ResultRef, Result<String>>> {
    let revisions = annotation_revision::Entity::find();
    let reading = Reading::new(app, revisions.clone(), times);
    let named = revisions.filter(Column::Id.is_in(results.iter().map(|result| result.0)));
    let rows = reading.few(named, results.len(), |row| row.id).await?;
    let texts = rows.into_iter().filter_map(|(id, row)| {
        let text = row.map(|row| row.result).transpose()?;
        Some((ResultRef(id), text))
    });
    Ok(texts.collect())
}

/// The result of a snapshot, JSON text.
pub async fn result(db: &impl ConnectionTrait, snapshot: &Snapshot) -> Result<String> {
    let found = results(db, &[snapshot.result]).await?;
    // It goes with its project alone, between two looks.
    found.into_values().next().ok_or_else(Error::busy)
}

/// A field in which two snapshots differ.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Its public name.
    pub field: &'static str,
    /// References are ids, as texts.
    pub before: Value,
    pub after: Value,
}

/// The fields but `result` in which two snapshots differ, by name. Of people, the ids of those among
/// `visible` alone.
pub fn changed_fields(
    before: &Snapshot,
    after: &Snapshot,
    visible: &HashSet<i64>,
) -> Vec<FieldChange> {
    let id = |id: Option<i64>| json!(id.map(|id| id.to_string()));
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
    // An admin sees whatever there is, and a revision goes with its project.
    if actor.is_admin() || ids.is_empty() {
        return Ok(ids);
    }
    let seen: Vec<i64> = access::visible_projects(actor)
        .select_only()
        .column(project::Column::Id)
        .filter(project::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(seen.into_iter().collect())
}
