//! Losses of access: after a loss, a stored answer may contain rows that its user no longer may see.
//!
//! Triggers record each lost role and membership in the transaction of the loss. A run counts the losses at its
//! beginning and adds the losses that its own request causes; while the count is equal, the answer may be sent again.
//! Gained access does not count.

use std::collections::BTreeMap;

use entity::{
    access_loss::{self, Column},
    user,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::Expr,
};

use crate::{app::App, domain::access::Actor, error::Result};

/// Never equals a count: the answer is not sent again.
pub const NEVER: i64 = -1;
/// Users whose rows a transaction merges.
const USERS_AT_ONCE: u64 = 100;
/// Rows that a transaction merges or removes.
const ROWS_AT_ONCE: u64 = 1_000;

/// Counts the losses of a user.
pub async fn count(app: &App, user_id: i64) -> Result<i64> {
    let count: Option<Option<i64>> = access_loss::Entity::find()
        .select_only()
        .expr_as(Expr::col(Column::Losses).sum().cast_as("bigint"), "losses")
        .filter(Column::UserId.eq(user_id))
        .into_tuple()
        .one(app.db.reader())
        .await?;
    Ok(count.flatten().unwrap_or_default())
}

/// Counts the losses of an actor before sign-in; [`NEVER`] if the role has changed since.
pub async fn before(app: &App, actor: &Actor) -> Result<i64> {
    let count = count(app, actor.id()).await?;
    let user = user::Entity::find_by_id(actor.id());
    let user = user.one(app.db.reader()).await?;
    Ok(match user {
        // The run uses the role read at sign-in.
        Some(user) if user.role == actor.user.role => count,
        _ => NEVER,
    })
}

/// Merges the rows of each user into a single row with the sum of losses, and removes rows of deleted users, whose
/// ids are never reused. Returns the number of removed rows.
pub async fn sweep(app: &App) -> Result<u64> {
    let mut swept = 0;
    loop {
        let removed = merge_some(app).await? + remove_some(app).await?;
        swept += removed;
        if removed == 0 {
            return Ok(swept);
        }
    }
}

/// Merges rows of users with several rows, in a transaction of bounded size.
async fn merge_some(app: &App) -> Result<u64> {
    let several = access_loss::Entity::find()
        .select_only()
        .column(Column::UserId)
        .group_by(Column::UserId)
        .having(Column::Id.count().gt(1))
        .limit(USERS_AT_ONCE)
        .into_query();
    let txn = app.db.begin().await?;
    // Locks the rows, so that sweeps of parallel servers do not merge the same rows.
    let rows: Vec<(i64, i64, i32)> = access_loss::Entity::find()
        .select_only()
        .columns([Column::Id, Column::UserId, Column::Losses])
        .filter(Column::UserId.in_subquery(several))
        .order_by_asc(Column::Id)
        .limit(ROWS_AT_ONCE)
        .lock_exclusive()
        .into_tuple()
        .all(&*txn)
        .await?;
    let mut merged: BTreeMap<i64, Vec<(i64, i32)>> = BTreeMap::new();
    for (id, user_id, losses) in rows {
        merged.entry(user_id).or_default().push((id, losses));
    }
    let mut removed = Vec::new();
    for rows in merged.values() {
        let Some(((last, _), others)) = rows.split_last().filter(|(_, others)| !others.is_empty())
        else {
            continue;
        };
        // Keeps the last row, so that a row added since counts on top.
        let losses: i32 = rows.iter().map(|(_, losses)| losses).sum();
        let row = access_loss::ActiveModel {
            id: Unchanged(*last),
            losses: Set(losses),
            ..Default::default()
        };
        row.update_without_returning(&*txn).await?;
        removed.extend(others.iter().map(|(id, _)| *id));
    }
    let count = removed.len() as u64;
    if count > 0 {
        let merged = Column::Id.is_in(removed);
        let delete = access_loss::Entity::delete_many().filter(merged);
        delete.exec(&*txn).await?;
    }
    txn.commit().await?;
    Ok(count)
}

/// Removes rows of deleted users, in a transaction of bounded size.
async fn remove_some(app: &App) -> Result<u64> {
    let users = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .into_query();
    let some = access_loss::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.not_in_subquery(users))
        .limit(ROWS_AT_ONCE)
        .into_query();
    let txn = app.db.begin().await?;
    let removed = access_loss::Entity::delete_many()
        .filter(Column::Id.in_subquery(some))
        .exec(&*txn)
        .await?
        .rows_affected;
    txn.commit().await?;
    Ok(removed)
}

/// Records that the present request has caused its own user this many losses; its answer may still be sent again. To
/// be called after the commit.
pub fn of_own(app: &App, actor: &Actor, user_id: i64, losses: u64) {
    if actor.id() == user_id {
        app.notes
            .add_own_losses(i64::try_from(losses).unwrap_or_default());
    }
}
