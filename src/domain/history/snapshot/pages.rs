//! Revisions of many annotations, read in pages.

use chrono::{DateTime, Utc};
use entity::{
    annotation::Action,
    annotation_revision::{self, Column, Event},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::error::Result;

/// Revisions per statement.
const PAGE: u64 = 500;

/// Revision without the result.
#[derive(FromQueryResult)]
pub struct Row {
    pub id: i64,
    pub annotation_id: i64,
    pub version: i32,
    pub event: Event,
    pub action: Action,
    pub task_id: i64,
    pub project_id: i64,
    pub updated_by_id: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub changes: String,
}

/// Reads the revisions of each annotation up to a version, in order, [`PAGE`] at a time: a history can have any
/// length.
pub struct Pages<'a> {
    newest: &'a [(i64, i32)],
    /// Annotation and version of the last row of the previous page.
    after: Option<(i64, i32)>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    /// Pages over these annotations, each with its newest version to read.
    pub fn of(newest: &'a [(i64, i32)]) -> Self {
        Self {
            newest,
            after: None,
            is_done: false,
        }
    }

    /// Reads the next page, or `None` after the last page.
    pub async fn next(&mut self, db: &impl ConnectionTrait) -> Result<Option<Vec<Row>>> {
        use Column::{
            Action, AnnotationId, Changes, CreatedAt, Event, Id, ProjectId, TaskId, UpdatedById,
            Version,
        };
        if self.is_done {
            return Ok(None);
        }
        let (first, behind) = self.after.unwrap_or((i64::MIN, 0));
        let newest = self.newest.iter();
        // Annotations before the last row are done, which shortens the condition page by page.
        let left = newest.filter(|(annotation_id, _)| *annotation_id >= first);
        let of_annotations = left.map(|(annotation_id, version)| {
            let all = Condition::all()
                .add(AnnotationId.eq(*annotation_id))
                .add(Version.lte(*version));
            match *annotation_id == first {
                true => all.add(Version.gt(behind)),
                false => all,
            }
        });
        let page: Vec<Row> = annotation_revision::Entity::find()
            .select_only()
            .columns([
                Id,
                AnnotationId,
                Version,
                Event,
                Action,
                TaskId,
                ProjectId,
                UpdatedById,
                CreatedAt,
                Changes,
            ])
            .filter(of_annotations.fold(Condition::any(), Condition::add))
            .order_by_asc(AnnotationId)
            .order_by_asc(Version)
            .limit(PAGE)
            .into_model()
            .all(db)
            .await?;
        // A short page is the last, so no statement is spent on an empty page.
        self.is_done = (page.len() as u64) < PAGE;
        self.after = page.last().map(|row| (row.annotation_id, row.version));
        Ok(Some(page))
    }
}
