//! API tokens: created once, shown once, stored as a hash.

pub mod bootstrap;
mod self_service;

use std::{collections::HashMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::{
    api_token::{self, Column},
    user,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};
use sha2::{Digest, Sha256};

use super::access::Actor;
use crate::{
    app::App,
    db::{WriteTxn, is_any},
    error::{Error, Problem, ProblemCode, Result},
    instant,
};

pub use self::self_service::{New, end, issue, of_users};

/// Characters of a token stored in readable form.
const PREFIX: usize = 12;
/// Age of the recorded last use from which a further use is recorded.
const LAST_USE_STEP: Duration = Duration::from_secs(60);
/// Number of tokens per statement.
const ACTIVE_STEP: usize = 10_000;
/// Minimum length of a token; shorter secrets could be guessed.
pub const MIN_LENGTH: usize = 16;

/// New token with its text, which is known at creation alone.
#[derive(Debug)]
pub struct Created {
    pub row: api_token::Model,
    pub text: String,
}

/// Creates a token for a user.
pub async fn create(
    app: &App,
    user: &user::Model,
    name: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Created> {
    if !user.can_sign_in {
        return Err(Problem::new(
            ["user"],
            ProblemCode::InvalidFormat,
            "this user stands for somebody in imported data and can't sign in",
        )
        .into());
    }
    let txn = app.db.begin().await?;
    let created = insert(&*txn, user, name, expires_at).await?;
    txn.commit().await?;
    Ok(created)
}

async fn insert(
    db: &impl ConnectionTrait,
    user: &user::Model,
    name: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Created> {
    let mut secret = [0_u8; 24];
    getrandom::fill(&mut secret).map_err(|error| Error::Internal(std::sync::Arc::new(error)))?;
    let text = format!("ann_{}", URL_SAFE_NO_PAD.encode(secret));
    let row = api_token::ActiveModel {
        user_id: Set(user.id),
        name: Set(name.to_owned()),
        hash: Set(hash(&text)),
        prefix: Set(prefix(&text)),
        created_at: Set(instant::now()),
        expires_at: Set(expires_at.map(instant::to_microseconds)),
        ..Default::default()
    }
    .insert(db)
    .await?;
    Ok(Created { row, text })
}

/// Stores a token with a given text, or hands an existing token of this text to the user and activates the token.
async fn put(db: &impl ConnectionTrait, user: &user::Model, name: &str, text: &str) -> Result<()> {
    let row = api_token::ActiveModel {
        user_id: Set(user.id),
        name: Set(name.to_owned()),
        hash: Set(hash(text)),
        // Shows less of a chosen text than of a random token: four characters reveal little of a short secret.
        prefix: Set(text.chars().take(4).collect()),
        created_at: Set(instant::now()),
        expires_at: Set(None),
        revoked_at: Set(None),
        ..Default::default()
    };
    // Servers that start together may insert the same text at the same time, so a conflict updates the row.
    api_token::Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::Hash)
                .update_columns([Column::UserId, Column::ExpiresAt, Column::RevokedAt])
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Identifies the user of a token. Fails with UNAUTHENTICATED unless the token is active and its user can sign in.
pub async fn sign_in(app: &App, text: &str) -> Result<Actor> {
    // Looks up the hash: the database never holds a usable token, and comparing hashes leaks no timing of the text.
    let hash = hash(text);
    let now = instant::now();
    if let Some(known) = app.identities.token(&hash) {
        if !signs_in(&known.token, &known.user, now) {
            return Err(Error::Unauthenticated);
        }
        if known.is_use_unrecorded(now, LAST_USE_STEP) {
            note_use(app.clone(), known.token.id, now);
        }
        return Ok(signed_in(&known.token, known.user.clone()));
    }
    let generation = app.identities.generation();
    let found = api_token::Entity::find()
        .filter(Column::Hash.eq(hash))
        .find_also_related(user::Entity)
        .one(app.db.reader())
        .await?;
    let Some((mut token, Some(user))) = found else {
        return Err(Error::Unauthenticated);
    };
    if !signs_in(&token, &user, now) {
        return Err(Error::Unauthenticated);
    }
    let stale = token
        .last_used_at
        .is_none_or(|at| (now - at).to_std().is_ok_and(|age| age >= LAST_USE_STEP));
    if stale {
        token.last_used_at = Some(now);
        note_use(app.clone(), token.id, now);
    }
    app.identities.keep_token(generation, &token, &user);
    Ok(signed_in(&token, user))
}

/// Reads which of these tokens are active now, with the roles of their users.
pub async fn active(app: &App, ids: &[i64]) -> Result<HashMap<i64, user::Role>> {
    let now = instant::now();
    let mut active = HashMap::new();
    for ids in ids.chunks(ACTIVE_STEP) {
        let found = api_token::Entity::find()
            .filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()))
            .find_also_related(user::Entity)
            .all(app.db.reader())
            .await?;
        let good = found
            .into_iter()
            .filter_map(|(token, user)| Some((token, user?)))
            .filter(|(token, user)| signs_in(token, user, now));
        active.extend(good.map(|(token, user)| (token.id, user.role)));
    }
    Ok(active)
}

/// Identifies the user of a token that signed in before, by the token's id.
pub async fn sign_in_again(app: &App, id: i64) -> Result<Actor> {
    let found = api_token::Entity::find_by_id(id)
        .find_also_related(user::Entity)
        .one(app.db.reader())
        .await?;
    match found {
        Some((token, Some(user))) if signs_in(&token, &user, instant::now()) => {
            Ok(signed_in(&token, user))
        }
        _ => Err(Error::Unauthenticated),
    }
}

fn signed_in(token: &api_token::Model, user: user::Model) -> Actor {
    Actor {
        user,
        token_id: token.id,
        token_expires_at: token.expires_at,
    }
}

fn signs_in(token: &api_token::Model, user: &user::Model, now: DateTime<Utc>) -> bool {
    let expired = token.expires_at.is_some_and(|end| end <= now);
    !expired && token.revoked_at.is_none() && user.can_sign_in
}

/// Records a token's use in the background, so that the request does not wait for the write.
fn note_use(app: App, token_id: i64, at: DateTime<Utc>) {
    tokio::spawn(async move {
        if let Err(error) = set_last_use(&app, token_id, at).await {
            app.db.health().report(&error, "note the use of a token");
        }
    });
}

async fn set_last_use(app: &App, token_id: i64, at: DateTime<Utc>) -> Result<()> {
    let row = api_token::ActiveModel {
        id: Unchanged(token_id),
        last_used_at: Set(Some(at)),
        ..Default::default()
    };
    let txn = app.db.begin().await?;
    row.update_without_returning(&*txn).await?;
    txn.commit().await
}

/// Reads tokens with their users, oldest first; of all users unless an id is given.
pub async fn all(
    app: &App,
    user_id: Option<i64>,
) -> Result<Vec<(api_token::Model, Option<user::Model>)>> {
    let condition = Condition::all().add_option(user_id.map(|id| Column::UserId.eq(id)));
    Ok(api_token::Entity::find()
        .filter(condition)
        .find_also_related(user::Entity)
        .order_by_asc(Column::Id)
        .all(app.db.reader())
        .await?)
}

/// Revokes a token. Revoking twice has no further effect.
pub async fn revoke(app: &App, id: i64) -> Result<api_token::Model> {
    let row = api_token::Entity::find_by_id(id)
        .one(app.db.reader())
        .await?
        .ok_or(Error::NotFound("token"))?;
    if row.revoked_at.is_some() {
        // Another process may have revoked the token just now, and may still wait for the leases.
        app.identities.changed(&app.db).await;
        return Ok(row);
    }
    let ended = api_token::ActiveModel {
        id: Unchanged(id),
        revoked_at: Set(Some(instant::now())),
        ..Default::default()
    };
    let txn = app.db.begin().await?;
    let ended = ended.update(&*txn).await?;
    commit(app, txn).await?;
    Ok(ended)
}

/// Commits a change that takes access away or hands a token to another user, and returns once no server honours the
/// state before.
pub(super) async fn commit(app: &App, txn: WriteTxn) -> Result<()> {
    let committed = txn.commit().await;
    app.identities.forget();
    committed?;
    app.identities.changed(&app.db).await;
    Ok(())
}

/// Matches tokens that are neither revoked nor expired.
fn is_active(now: DateTime<Utc>) -> Condition {
    let expires_later = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now));
    Condition::all()
        .add(Column::RevokedAt.is_null())
        .add(expires_later)
}

fn hash(text: &str) -> String {
    // A fast hash suffices: generated tokens have 192 random bits, so a dictionary does not help an attacker.
    format!("{:x}", Sha256::digest(text))
}

fn prefix(text: &str) -> String {
    text.chars().take(PREFIX).collect()
}
