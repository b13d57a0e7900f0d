//! Reviews of annotations by reviewers and managers (`docs/decisions/0012-drafts-and-reviews.md`).
//!
//! Each review is a change of the annotation, with a new version, and stays in its history. The latest verdict of
//! each reviewer is stored beside the annotation.

use std::collections::HashMap;

use entity::{
    annotation,
    annotation_review::{self, Column},
};
use sea_orm::{QueryFilter, QueryOrder};

pub use super::annotation::{MAX_COMMENT, ReviewAction};
use super::{
    access::{self, Actor},
    annotation::{Change, Command, OwnDrafts, ReviewNote, run_one},
};
use crate::{app::App, db::is_any, error::Result};

/// Review with an optional fix.
#[derive(Debug)]
pub struct Review {
    pub action: ReviewAction,
    pub comment: Option<String>,
    /// Only result, regions and the expected version count.
    pub fix: Change,
}

/// Reviews an annotation and returns its new state. Each review is a change, even with the same verdict as before.
pub async fn review(
    app: &App,
    actor: &Actor,
    id: i64,
    review: Review,
) -> Result<annotation::Model> {
    let Review {
        action,
        comment,
        fix,
    } = review;
    let change = Change {
        review: Some(ReviewNote { action, comment }),
        // A verdict alone leaves the reviewer's drafts untouched; a fix supersedes the drafts.
        own_drafts: match action {
            ReviewAction::FixAndAccept => OwnDrafts::GoWithAChange,
            _ => OwnDrafts::Keep,
        },
        ..fix
    };
    let command = Command::Update { id, change };
    Ok(run_one(app, actor, command, false).await?.annotation)
}

/// Reads the latest review by each reviewer, of several annotations visible to the actor; the newest review last.
pub async fn of_annotations(
    app: &App,
    actor: &Actor,
    annotation_ids: &[i64],
) -> Result<HashMap<i64, Vec<annotation_review::Model>>> {
    let rows = access::visible_reviews(actor)
        .filter(is_any(
            app.db.backend(),
            Column::AnnotationId,
            annotation_ids.iter().copied(),
        ))
        .order_by_asc(Column::Version)
        .all(app.db.reader())
        .await?;
    let mut by_annotation: HashMap<i64, Vec<_>> = HashMap::new();
    for row in rows {
        by_annotation
            .entry(row.annotation_id)
            .or_default()
            .push(row);
    }
    Ok(by_annotation)
}
