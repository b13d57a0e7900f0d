//! Mutations `createToken` and `revokeToken`: for the actor's own tokens, and for admins all tokens.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    api_token::{self, Column},
    user,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::LockType,
};

use super::{Created, commit, insert, is_active};
use crate::{
    app::App,
    db::is_any,
    domain::access::{self, Actor},
    error::{Error, Problem, ProblemCode, Result},
    instant,
};

/// Longest name, in characters.
pub const MAX_NAME: usize = 255;
/// Maximum number of active tokens per user. The command line ignores the limit.
pub const MAX_ACTIVE: u64 = 100;

/// Values of a new token.
#[derive(Debug, Default)]
pub struct New {
    /// Purpose of the token, in the owner's words.
    pub name: String,
    /// Expiry; defaults to the expiry of the actor's own token.
    pub expires_at: Option<DateTime<Utc>>,
    /// User whom the token signs in; defaults to the actor.
    pub user_id: Option<i64>,
}

/// Creates a token. The response is the only place where the text appears. A token never outlives the token that the
/// actor signed in with: otherwise temporary access could be made permanent.
pub async fn issue(app: &App, actor: &Actor, new: New) -> Result<Created> {
    check_input(actor, &new)?;
    let user_id = new.user_id.unwrap_or(actor.id());
    access::require(
        access::is_self_or_admin(actor, user_id),
        "tokens of others are made by admins",
    )?;
    let txn = app.db.begin().await?;
    // Serialises the creation of tokens for this user, so that the count below holds until the commit.
    let user = user::Entity::find_by_id(user_id)
        .lock(LockType::NoKeyUpdate)
        .one(&*txn)
        .await?;
    let path = ["input", "userId"];
    let unknown = || Problem::new(path, ProblemCode::UnknownId, "there is no such user");
    let user = user.ok_or_else(unknown)?;
    if !user.can_sign_in {
        let message = "this user can't sign in";
        return Err(Problem::new(path, ProblemCode::InvalidFormat, message).into());
    }
    check_count(&txn, user_id).await?;
    let expires_at = new.expires_at.or(actor.token_expires_at);
    let created = insert(&*txn, &user, &new.name, expires_at).await?;
    txn.commit().await?;
    Ok(created)
}

/// Revokes a token of the actor, or as an admin any token. Revoking twice has no further effect.
pub async fn end(app: &App, actor: &Actor, id: i64) -> Result<api_token::Model> {
    let own = match actor.is_admin() {
        true => Condition::all(),
        false => Condition::all().add(Column::UserId.eq(actor.id())),
    };
    let txn = app.db.begin().await?;
    let row = api_token::Entity::find_by_id(id)
        .filter(own)
        .lock(LockType::NoKeyUpdate)
        .one(&*txn)
        .await?;
    let mut row = row.ok_or(Error::NotFound("token"))?;
    if row.revoked_at.is_some() {
        txn.rollback().await?;
        // Another request may have revoked the token just now, and may still wait for the leases.
        app.identities.changed(&app.db).await;
        return Ok(row);
    }
    row.revoked_at = Some(instant::now());
    let revoked = api_token::ActiveModel {
        id: Unchanged(id),
        revoked_at: Set(row.revoked_at),
        ..Default::default()
    };
    revoked.update_without_returning(&txn).await?;
    commit(app, txn).await?;
    Ok(row)
}

/// Reads the tokens of several users, oldest first: for the actor alone, or for an admin of all users.
pub async fn of_users(
    app: &App,
    actor: &Actor,
    user_ids: &[i64],
) -> Result<HashMap<i64, Vec<api_token::Model>>> {
    let may_see = |id: &&i64| access::is_self_or_admin(actor, **id);
    let ids: Vec<i64> = user_ids.iter().filter(may_see).copied().collect();
    let rows = api_token::Entity::find()
        .filter(is_any(
            app.db.backend(),
            Column::UserId,
            ids.iter().copied(),
        ))
        .order_by_asc(Column::Id)
        .all(app.db.reader())
        .await?;
    let mut by_user: HashMap<i64, Vec<_>> = ids.into_iter().map(|id| (id, vec![])).collect();
    for row in rows {
        by_user.entry(row.user_id).or_default().push(row);
    }
    Ok(by_user)
}

async fn check_count(txn: &DatabaseTransaction, user_id: i64) -> Result<()> {
    let active = api_token::Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(is_active(instant::now()))
        .count(txn)
        .await?;
    if active < MAX_ACTIVE {
        return Ok(());
    }
    let message = format!("a user has at most {MAX_ACTIVE} active tokens: revoke some first");
    Err(Problem::new(["input"], ProblemCode::TooMany, message).into())
}

fn check_input(actor: &Actor, new: &New) -> Result<()> {
    let mut problems = Vec::new();
    if new.name.contains('\0') {
        let message = "a text can't hold the character U+0000";
        problems.push(Problem::new(
            ["input", "name"],
            ProblemCode::InvalidText,
            message,
        ));
    }
    if new.name.chars().count() > MAX_NAME {
        let message = format!("a token's name has at most {MAX_NAME} characters");
        problems.push(Problem::new(
            ["input", "name"],
            ProblemCode::TooLong,
            message,
        ));
    }
    if new.expires_at.is_some_and(|end| end <= instant::now()) {
        let message = "a token ends in the future";
        problems.push(Problem::new(
            ["input", "expiresAt"],
            ProblemCode::OutOfBounds,
            message,
        ));
    }
    // Compares with the actor's own token: a new token must not extend temporary access.
    let latest = actor.token_expires_at;
    if latest.is_some_and(|latest| new.expires_at.is_some_and(|end| end > latest)) {
        let message = "a token ends with the token that makes it at the latest";
        problems.push(Problem::new(
            ["input", "expiresAt"],
            ProblemCode::OutOfBounds,
            message,
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}
