//! Revisions of many annotations, in pages.

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

/// Revisions that one statement reads.
const PAGE: u64 = 500;

/// A revision without the result that it may hold.
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

/// Revisions of each annotation up to a version, in order, [`PAGE`] at a time: a history has any length.
pub struct Pages<'a> {
    newest: &'a [(i64, i32)],
    /// Annotation and version of the last row of the page before.
    after: Option<(i64, i32)>,
    is_done: bool,
}

impl<'a> Pages<'a> {
    pub fn of(newest: &'a [(i64, i32)]) -> Self {
        Self {
            newest,
            after: None,
            is_done: false,
        }
    }

    /// Reads the next page. `None` behind the last one.
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
        self.is_done = (page.len() as u64) < PAGE;
        self.after = page.last().map(|row| (row.annotation_id, row.version));
        Ok(Some(page))
    }
}
