//! Losses of access: after one, an answer that was kept may tell what its user may not see any more.
//!
//! Triggers of the database record each role and membership that a user loses, in the transaction that takes it
//! away. A run counts the losses when it begins, and adds those that its own request causes; as long as there are
//! as many, its answer may be told again. Access that is gained counts nothing.

use entity::{
    access_loss::{self, Column},
    user,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::own_losses;
use crate::{app::App, domain::access::Actor, error::Result};

/// Stands for a number that no count equals: the answer is never told again.
pub const NEVER: i64 = -1;

/// How many losses a user has had.
pub async fn count(app: &App, user_id: i64) -> Result<i64> {
    let rows = access_loss::Entity::find().filter(Column::UserId.eq(user_id));
    let count = rows.count(app.db.reader()).await?;
    Ok(i64::try_from(count).unwrap_or(NEVER))
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

/// Says that the request at hand has made its own user lose this much; its answer is told again nevertheless.
/// To be called once that is committed.
pub fn of_own(actor: &Actor, user_id: i64, losses: u64) {
    if actor.id() == user_id {
        own_losses(i64::try_from(losses).unwrap_or_default());
    }
}
