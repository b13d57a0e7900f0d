//! Removal of expired idempotency keys.

use chrono::{DateTime, Utc};
use entity::idempotency_key::{self, Column};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use crate::{app::App, error::Result};

/// Keys per statement.
const SWEPT_AT_ONCE: u64 = 1_000;

/// Removes the keys expired at this time, a bounded number at a time. Returns the number of removed keys.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<u64> {
    let mut swept = 0;
    loop {
        let some = idempotency_key::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ExpiresAt.lte(now))
            .order_by_asc(Column::ExpiresAt)
            .limit(SWEPT_AT_ONCE);
        let txn = app.db.begin().await?;
        let removed = idempotency_key::Entity::delete_many()
            .filter(Column::Id.in_subquery(some.into_query()))
            // Checks again: a request may have claimed the key since.
            .filter(Column::ExpiresAt.lte(now))
            .exec(&txn)
            .await?
            .rows_affected;
        txn.commit().await?;
        swept += removed;
        if removed < SWEPT_AT_ONCE {
            return Ok(swept);
        }
    }
}
