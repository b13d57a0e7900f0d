//! Replaced contents of drafts, kept for a day: regions lost to a save by a second tab can be recovered.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    annotation_draft,
    replaced_draft::{self, Column},
};
use label_studio::diff;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};

use crate::{
    app::App,
    db::is_any,
    domain::{
        access::{self, Actor},
        large::{Large, Reading},
    },
    error::Result,
    instant,
};

/// Retention of a replaced content.
pub const RETENTION: TimeDelta = TimeDelta::hours(24);
/// Shortest interval between two contents kept of the same draft.
pub const MIN_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// Maximum number of contents kept per draft.
pub const MAX_KEPT: usize = 20;
/// Rows swept per statement.
const SWEEP_PAGE: u64 = 1_000;

/// Keeps the content of a locked draft that a save of `result` replaces, if the save drops or changes regions, and if
/// no content was kept within the last minute.
pub(super) async fn keep_replaced(
    txn: &DatabaseTransaction,
    before: &annotation_draft::Model,
    result: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let kept: Vec<(i64, DateTime<Utc>)> = replaced_draft::Entity::find()
        .select_only()
        .columns([Column::Id, Column::ReplacedAt])
        .filter(Column::DraftId.eq(before.id))
        .order_by_desc(Column::Id)
        .into_tuple()
        .all(txn)
        .await?;
    // The clock can step back, hence the absolute difference.
    let is_recent = kept
        .first()
        .is_some_and(|(_, at)| (now - *at).abs() < MIN_INTERVAL);
    if is_recent || !diff::loses_entries(&before.result, result) {
        return Ok(());
    }
    replaced_draft::ActiveModel {
        draft_id: Set(before.id),
        result: Set(before.result.clone()),
        saved_at: Set(before.updated_at),
        replaced_at: Set(now),
        ..Default::default()
    }
    .insert(txn)
    .await?;
    // Makes room for the new content: the newest `MAX_KEPT` stay.
    let oldest = kept.iter().skip(MAX_KEPT - 1).map(|(id, _)| *id);
    if kept.len() >= MAX_KEPT {
        replaced_draft::Entity::delete_many()
            .filter(Column::Id.is_in(oldest))
            .exec(txn)
            .await?;
    }
    Ok(())
}

impl Large for replaced_draft::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Result];
}

/// Reads replaced contents of drafts visible to the actor, newest first.
pub async fn replaced_of(
    app: &App,
    actor: &Actor,
    draft_ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<Vec<Arc<replaced_draft::Model>>>>> {
    let visible = access::visible_drafts(actor)
        .select_only()
        .column(annotation_draft::Column::Id)
        .filter(is_any(
            app.db.backend(),
            annotation_draft::Column::Id,
            draft_ids.iter().copied(),
        ))
        .into_query();
    let visible = replaced_draft::Entity::find()
        .filter(Column::DraftId.in_subquery(visible))
        // Expired contents are hidden at once; the sweep deletes the rows later.
        .filter(Column::ReplacedAt.gt(instant::now() - RETENTION));
    let reading = Reading::new(app, visible.clone(), times);
    let draft = |row: &replaced_draft::Model| Some(row.draft_id);
    let mut by_draft = reading.by_parent(visible, draft_ids, draft).await?;
    by_draft
        .values_mut()
        .flatten()
        .for_each(|rows| rows.reverse());
    Ok(by_draft)
}

/// Removes contents older than a day at `now`, a bounded number at a time. Returns the number of removed rows.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<u64> {
    let mut swept = 0;
    loop {
        let some = replaced_draft::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ReplacedAt.lte(now - RETENTION))
            .order_by_asc(Column::ReplacedAt)
            .limit(SWEEP_PAGE);
        let txn = app.db.begin().await?;
        let removed = replaced_draft::Entity::delete_many()
            .filter(Column::Id.in_subquery(some.into_query()))
            .exec(&txn)
            .await?
            .rows_affected;
        txn.commit().await?;
        swept += removed;
        if removed < SWEEP_PAGE {
            return Ok(swept);
        }
    }
}
