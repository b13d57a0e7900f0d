//! Mutation `updateTask`: data, meta and overlap.

use entity::task::{self, Column};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::LockType,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{check_overlap, counters::authors};
use crate::{
    app::{App, compute},
    domain::{
        Patch,
        access::{self, Actor},
        not_cleared, version,
    },
    error::{Error, Result},
    instant,
};

/// Change of a task; `meta` alone can be cleared.
#[derive(Debug, Default)]
pub struct Change {
    /// JSON object as text.
    pub data: Patch<String>,
    /// JSON object as text.
    pub meta: Patch<String>,
    pub overlap: Patch<i32>,
    /// Version that the change was made to.
    pub expected_version: Patch<i32>,
}

/// Updates a task and returns the new row. Existing annotations are kept without a check against the new data.
pub async fn update(app: &App, actor: &Actor, id: i64, change: Change) -> Result<task::Model> {
    check_input(&change)?;
    let txn = app.db.begin().await?;
    let row = access::visible_tasks(actor)
        .filter(Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(&*txn)
        .await?
        .ok_or(Error::NotFound("task"))?;
    let role = access::role_in(&txn, actor, row.project_id).await?;
    let role = role.ok_or(Error::NotFound("task"))?;
    access::require(access::may_manage(role), "tasks are changed by managers")?;
    let stored = row.data.len() + row.meta.as_ref().map_or(0, String::len);
    compute::charge(stored).await;
    let mut changed = row.clone();
    if let Patch::Set(data) = change.data
        // Equivalent JSON keeps the stored text, so that a re-serialised object is not a change.
        && !json_fidelity::are_equivalent(&row.data, &data)
    {
        changed.data = data;
    }
    match change.meta {
        Patch::Set(meta) => {
            let stored = row.meta.as_deref();
            if stored.is_none_or(|stored| !json_fidelity::are_equivalent(stored, &meta)) {
                changed.meta = Some(meta);
            }
        }
        Patch::Null => changed.meta = None,
        Patch::Keep => {}
    }
    if let Patch::Set(overlap) = change.overlap {
        changed.overlap = overlap;
    }
    // Reports a stale write before the unchanged case: a client with an old version learns of the new version.
    if let Some(expected) = version::missed(&change.expected_version, row.version) {
        let conflict = conflict(&row, &changed, expected)?;
        return Err(app.budget.charge_conflict(conflict));
    }
    if changed == row {
        txn.rollback().await?;
        return Ok(row);
    }
    // Counts under the task's lock, which writers of annotations take too.
    if changed.overlap != row.overlap {
        changed.is_labeled = authors(&txn, id).await? >= changed.overlap;
    }
    changed.version += 1;
    changed.updated_at = instant::now().max(row.updated_at);
    changed.updated_by_id = Some(actor.id());
    let mut columns = row.into_active_model();
    columns.data = Set(changed.data.clone());
    columns.meta = Set(changed.meta.clone());
    columns.overlap = Set(changed.overlap);
    columns.version = Set(changed.version);
    columns.is_labeled = Set(changed.is_labeled);
    columns.updated_at = Set(changed.updated_at);
    columns.updated_by_id = Set(changed.updated_by_id);
    columns.update_without_returning(&txn).await?;
    txn.commit().await?;
    Ok(changed)
}

/// Collects all problems that need no database.
fn check_input(change: &Change) -> Result<()> {
    let mut problems = Vec::new();
    for (field, patch) in [("data", &change.data), ("meta", &change.meta)] {
        if let Patch::Set(text) = patch {
            let checked = json_fidelity::check_object(text, &["input".into(), field.into()]);
            problems.extend(checked.err().unwrap_or_default());
        }
    }
    if change.data.is_null() {
        problems.push(not_cleared(&["input", "data"]));
    }
    match change.overlap {
        Patch::Null => problems.push(not_cleared(&["input", "overlap"])),
        Patch::Set(overlap) => {
            problems.extend(check_overlap(overlap, &["input".into(), "overlap".into()]));
        }
        Patch::Keep => {}
    }
    problems.extend(version::check_input(&change.expected_version));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

/// Builds the CONFLICT of a stale change of `row` to `changed`.
fn conflict(row: &task::Model, changed: &task::Model, expected: i32) -> Result<Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Current<'a> {
        id: String,
        version: i32,
        project_id: String,
        data: &'a RawValue,
        meta: Option<&'a RawValue>,
        overlap: i32,
        updated_at: String,
    }
    let meta = row.meta.as_deref().map(serde_json::from_str);
    let current = Current {
        id: row.id.to_string(),
        version: row.version,
        project_id: row.project_id.to_string(),
        data: serde_json::from_str(&row.data)?,
        meta: meta.transpose()?,
        overlap: row.overlap,
        updated_at: instant::print(row.updated_at),
    };
    let fields = [
        ("data", changed.data != row.data),
        ("meta", changed.meta != row.meta),
        ("overlap", changed.overlap != row.overlap),
    ];
    version::conflict("task", Some(expected), row.version, &fields, &current)
}
