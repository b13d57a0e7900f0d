//! Losses of access: after one, an answer that was kept may tell what its user may not see any more.
//!
//! Triggers of the database record each role and membership that a user loses, in the transaction that takes it
//! away. A run counts the losses when it begins, and adds those that its own request causes; as long as there are
//! as many, its answer may be told again. Access that is gained counts nothing.

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

/// Stands for a number that no count equals: the answer is never told again.
pub const NEVER: i64 = -1;
/// Users whose rows one transaction merges.
const USERS_AT_ONCE: u64 = 100;
/// Rows that one transaction merges or removes.
const ROWS_AT_ONCE: u64 = 1_000;

/// How many losses a user has had.
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

/// How many losses an actor had had when they signed in; [`NEVER`] when they have lost their role since.
pub async fn before(app: &App, actor: &Actor) -> Result<i64> {
    let count = count(app, actor.id()).await?;
    let user = user::Entity::find_by_id(actor.id());
    let user = user.one(app.db.reader()).await?;
    Ok(match user {
        // The run goes by the role of the one who signed in.
        Some(user) if user.role == actor.user.role => count,
        _ => NEVER,
    })
}

/// Merges the rows of each user into one that counts as many losses, and removes those of users who are gone: these
/// sign in no more, and their ids are not given again. Answers with the number of removed rows.
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

/// Merges rows of users who have several, in one transaction of bounded size.
async fn merge_some(app: &App) -> Result<u64> {
    let several = access_loss::Entity::find()
        .select_only()
        .column(Column::UserId)
        .group_by(Column::UserId)
        .having(Column::Id.count().gt(1))
        .limit(USERS_AT_ONCE)
        .into_query();
    let txn = app.db.begin().await?;
    // Locked, so that no sweep of another server counts the same rows.
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

/// Removes rows of users who are gone, in one transaction of bounded size.
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

/// Says that the request at hand has made its own user lose this much; its answer is told again nevertheless.
/// To be called once that is committed.
pub fn of_own(app: &App, actor: &Actor, user_id: i64, losses: u64) {
    if actor.id() == user_id {
        app.notes
            .add_own_losses(i64::try_from(losses).unwrap_or_default());
    }
}
