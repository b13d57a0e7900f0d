//! Writes a task of an export: Label Studio's fields in Label Studio's order, with imported fields that have no
//! column in between.

use std::{borrow::Cow, collections::HashMap};

use chrono::{DateTime, Utc};
use entity::{annotation, annotation_draft, prediction};
use indexmap::IndexMap;
use sea_orm::ActiveEnum;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Whole;
use crate::{error::Result, instant};

/// Appends a task. `emails` maps the authors of drafts to their addresses.
pub(super) fn task(
    out: &mut Vec<u8>,
    whole: &Whole,
    emails: &HashMap<i64, Option<String>>,
) -> Result<()> {
    let row = &whole.task;
    let mut object = Object::open(out, row.extra.as_deref())?;
    object.value("id", row.id)?;
    object.list("annotations", &whole.annotations, annotation)?;
    object.extra("file_upload")?;
    object.list("drafts", &whole.drafts, |out, row| draft(out, row, emails))?;
    let bare_predictions = object.list("predictions", &whole.predictions, prediction)?;
    object.text("data", &row.data)?;
    object.text("meta", row.meta.as_deref().unwrap_or("null"))?;
    object.instant("created_at", Some(row.created_at))?;
    object.instant("updated_at", Some(row.updated_at))?;
    object.extra("allow_skip")?;
    object.extra("inner_id")?;
    object.value("total_annotations", row.total_annotations)?;
    object.value("cancelled_annotations", row.cancelled_annotations)?;
    // Counts predictions imported as a bare id too, as Label Studio's export did.
    let predictions = i64::from(row.total_predictions) + bare_predictions as i64;
    object.value("total_predictions", predictions)?;
    object.extra("comment_count")?;
    object.extra("unresolved_comment_count")?;
    object.extra("last_comment_updated_at")?;
    object.value("project", row.project_id)?;
    object.value("updated_by", row.updated_by_id)?;
    object.extra("comment_authors")?;
    // Label Studio's exports lack these fields, so they are written only if they differ from the default.
    if row.overlap != 1 {
        object.value("overlap", row.overlap)?;
    }
    if let Some(import_id) = row.import_id {
        object.value("import_id", import_id)?;
    }
    object.close()
}

fn annotation(out: &mut Vec<u8>, row: &annotation::Model) -> Result<()> {
    let mut object = Object::open(out, row.extra.as_deref())?;
    object.value("id", row.id)?;
    object.value("completed_by", row.completed_by_id)?;
    object.text("result", &row.result)?;
    object.value("was_cancelled", row.was_cancelled)?;
    object.value("ground_truth", row.ground_truth)?;
    object.instant("created_at", Some(row.created_at))?;
    object.instant("updated_at", Some(row.updated_at))?;
    object.instant("draft_created_at", row.draft_created_at)?;
    object.value("lead_time", row.lead_time)?;
    object.extra("prediction")?;
    object.extra("result_count")?;
    object.value("unique_id", row.unique_id.to_string())?;
    object.value("import_id", row.import_id)?;
    let last_action = row.last_action.map(|action| action.to_value());
    object.value("last_action", last_action)?;
    object.extra("bulk_created")?;
    object.value("task", row.task_id)?;
    object.value("project", row.project_id)?;
    object.value("updated_by", row.updated_by_id)?;
    object.value("parent_prediction", row.parent_prediction_id)?;
    object.value("parent_annotation", row.parent_annotation_id)?;
    object.value("last_created_by", row.last_created_by_id)?;
    object.close()
}

fn draft(
    out: &mut Vec<u8>,
    row: &annotation_draft::Model,
    emails: &HashMap<i64, Option<String>>,
) -> Result<()> {
    let mut object = Object::open(out, row.extra.as_deref())?;
    object.value("id", row.id)?;
    // A user without an address, or a deleted user, is named by id.
    match emails.get(&row.user_id) {
        Some(Some(email)) => object.value("user", email)?,
        _ => object.value("user", row.user_id)?,
    }
    object.extra("created_username")?;
    object.extra("created_ago")?;
    object.text("result", &row.result)?;
    object.value("lead_time", row.lead_time)?;
    object.extra("was_postponed")?;
    object.value("import_id", row.import_id)?;
    object.instant("created_at", Some(row.created_at))?;
    object.instant("updated_at", Some(row.updated_at))?;
    object.value("task", row.task_id)?;
    object.value("annotation", row.annotation_id)?;
    object.close()
}

fn prediction(out: &mut Vec<u8>, row: &prediction::Model) -> Result<()> {
    let mut object = Object::open(out, row.extra.as_deref())?;
    object.value("id", row.id)?;
    object.text("result", &row.result)?;
    object.value("model_version", &row.model_version)?;
    object.extra("created_ago")?;
    object.value("score", row.score)?;
    object.extra("cluster")?;
    object.extra("neighbors")?;
    object.extra("mislabeling")?;
    object.instant("created_at", Some(row.created_at))?;
    object.instant("updated_at", Some(row.updated_at))?;
    object.extra("model")?;
    object.extra("model_run")?;
    object.value("task", row.task_id)?;
    object.value("project", row.project_id)?;
    if let Some(import_id) = row.import_id {
        object.value("import_id", import_id)?;
    }
    object.close()
}

/// JSON object in the course of being written.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// Imported fields not yet written.
    extra: IndexMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>, extra: Option<&'a str>) -> Result<Self> {
        out.push(b'{');
        let extra = extra.map(serde_json::from_str).transpose()?;
        Ok(Self {
            out,
            extra: extra.unwrap_or_default(),
        })
    }

    fn key(&mut self, key: &str) -> Result<()> {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        serde_json::to_writer(&mut *self.out, key)?;
        self.out.push(b':');
        Ok(())
    }

    fn value(&mut self, key: &str, value: impl Serialize) -> Result<()> {
        self.key(key)?;
        serde_json::to_writer(&mut *self.out, &value)?;
        Ok(())
    }

    /// Writes a value that is JSON text already.
    fn text(&mut self, key: &str, json: &str) -> Result<()> {
        self.key(key)?;
        self.out.extend_from_slice(json.as_bytes());
        Ok(())
    }

    fn instant(&mut self, key: &str, instant: Option<DateTime<Utc>>) -> Result<()> {
        self.value(key, instant.map(instant::print))
    }

    /// Writes an imported field at its place, if present.
    fn extra(&mut self, key: &str) -> Result<()> {
        match self.extra.shift_remove(key) {
            Some(value) => self.text(key, value.get()),
            None => Ok(()),
        }
    }

    /// Writes a list of rows, then the bare ids imported in place of objects. Returns the number of bare ids.
    fn list<T>(
        &mut self,
        key: &str,
        rows: &[T],
        mut write: impl FnMut(&mut Vec<u8>, &T) -> Result<()>,
    ) -> Result<usize> {
        self.key(key)?;
        self.out.push(b'[');
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write(self.out, row)?;
        }
        let bare: Vec<i64> = match self.extra.shift_remove(key) {
            // The import kept ids without a row, which belong to the same list.
            Some(ids) => serde_json::from_str(ids.get())?,
            None => Vec::new(),
        };
        for (index, id) in bare.iter().enumerate() {
            if index > 0 || !rows.is_empty() {
                self.out.push(b',');
            }
            self.out.extend_from_slice(id.to_string().as_bytes());
        }
        self.out.push(b']');
        Ok(bare.len())
    }

    /// Writes the remaining imported fields.
    fn close(mut self) -> Result<()> {
        for (key, value) in std::mem::take(&mut self.extra) {
            self.text(&key, value.get())?;
        }
        self.out.push(b'}');
        Ok(())
    }
}
