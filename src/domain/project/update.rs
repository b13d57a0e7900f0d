//! Mutation `updateProject`: sets the fields that are sent, and keeps the rest.

use entity::project::{self, CheckMode};
use sea_orm::{
    ActiveEnum, ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    sea_query::LockType,
};
use serde_json::json;

use super::{check_config, check_text, check_title, config_impact, lock};
use crate::{
    app::App,
    domain::{Patch, access::Actor, annotation, labelling, not_cleared, version},
    error::{Error, Result},
    instant,
};

/// Change of a project; no field can be cleared.
#[derive(Debug, Default)]
pub struct Change {
    pub title: Patch<String>,
    pub description: Patch<String>,
    pub label_config: Patch<String>,
    pub check_mode: Patch<CheckMode>,
    /// Version that the change was made to.
    pub expected_version: Patch<i32>,
}

/// Updates a project and returns the new row. Refuses a labelling config that existing annotations or drafts would
/// not fit, unless forced.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: i64,
    change: Change,
    is_forced: bool,
) -> Result<project::Model> {
    check_change(&change).await?;
    let txn = app.db.begin().await?;
    // Writers of results hold a shared lock on the project while they check against its config. A new config waits
    // for these, so that each result is checked under a single config.
    let strength = match change.label_config.is_sent() {
        true => LockType::Update,
        false => LockType::NoKeyUpdate,
    };
    let otherwise = "projects are changed by their managers";
    let mut row = lock(&txn, actor, id, strength, otherwise).await?;
    let before = row.clone();
    for (field, patch) in [
        (&mut row.title, change.title),
        (&mut row.description, change.description),
        (&mut row.label_config, change.label_config),
    ] {
        if let Patch::Set(text) = patch {
            *field = text;
        }
    }
    if let Patch::Set(mode) = change.check_mode {
        row.check_mode = mode;
    }
    // Reports a stale write before the unchanged case: a client with an old version learns of the new version.
    if let Some(expected) = version::missed(&change.expected_version, before.version) {
        let conflict = conflict(&before, &row, expected)?;
        return Err(app.budget.charge_conflict(conflict));
    }
    if row == before {
        txn.rollback().await?;
        return Ok(row);
    }
    // Checks under the lock: a result added after an earlier check would escape.
    if !is_forced {
        let problems = config_impact::breaking_changes(app, &txn, &before, &row).await?;
        if !problems.is_empty() {
            return Err(Error::BadInput(problems));
        }
    }
    if row.label_config != before.label_config {
        row.config_version += 1;
        let old = labelling::config(app, &before).await;
        let new = config_impact::parse(&row.label_config).await;
        annotation::index::rewrite(&txn, id, &old, &new).await?;
    }
    row.version += 1;
    // The clock can step back; `updated_at` never does.
    row.updated_at = instant::now().max(row.updated_at);
    project::ActiveModel {
        id: Unchanged(row.id),
        title: Set(row.title.clone()),
        description: Set(row.description.clone()),
        label_config: Set(row.label_config.clone()),
        config_version: Set(row.config_version),
        check_mode: Set(row.check_mode),
        version: Set(row.version),
        updated_at: Set(row.updated_at),
        ..Default::default()
    }
    .update_without_returning(&txn)
    .await?;
    txn.commit().await?;
    Ok(row)
}

/// Builds the CONFLICT of a stale change of `row` to `changed`.
fn conflict(row: &project::Model, changed: &project::Model, expected: i32) -> Result<Error> {
    let current = json!({
        "id": row.id.to_string(),
        "version": row.version,
        "title": row.title,
        "description": row.description,
        "labelConfig": row.label_config,
        "checkMode": row.check_mode.to_value().to_uppercase(),
        "updatedAt": instant::print(row.updated_at),
    });
    let fields = [
        ("checkMode", changed.check_mode != row.check_mode),
        ("description", changed.description != row.description),
        ("labelConfig", changed.label_config != row.label_config),
        ("title", changed.title != row.title),
    ];
    version::conflict("project", Some(expected), row.version, &fields, &current)
}

async fn check_change(change: &Change) -> Result<()> {
    let fields = [
        ("title", &change.title),
        ("description", &change.description),
        ("labelConfig", &change.label_config),
    ];
    let mut problems = Vec::new();
    for (field, patch) in fields {
        match patch {
            Patch::Keep => {}
            Patch::Null => problems.push(not_cleared(&["input", field])),
            Patch::Set(text) => problems.extend(match field {
                "title" => Vec::from_iter(check_title(text)),
                "labelConfig" => check_config(text).await?,
                _ => Vec::from_iter(check_text(text, field)),
            }),
        }
    }
    if change.check_mode.is_null() {
        problems.push(not_cleared(&["input", "checkMode"]));
    }
    problems.extend(version::check_input(&change.expected_version));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}
