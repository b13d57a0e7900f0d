//! Idempotency keys: a request that is sent again with its key runs once, and each repetition gets the first answer
//! (`docs/decisions/0013-idempotency.md`).
//!
//! A key is claimed before its request runs. Each transaction of the request counts itself in the key's row, so that
//! a dead run is known to have changed data or not. A takeover of the key ends the earlier run: its transactions no
//! longer find the row to count in, and fail.

mod losses;
mod sweep;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::idempotency_key::{self, Answer, Column};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, OnConflict},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::access::Actor;
use crate::{
    app::{AnswerNotes, App},
    error::{Error, Result},
    instant,
};

pub use self::{
    losses::{of_own as lost_by_own, sweep as sweep_losses},
    sweep::sweep,
};

/// Maximum length of a key.
pub const MAX_KEY: usize = 255;
/// Retention of a key, from its first request on.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// Maximum size of a stored answer, in bytes.
pub const MAX_ANSWER: usize = 1 << 20;
/// Attempts to claim a key while parallel requests claim or release the key.
const TRIES: usize = 4;

/// Request with a key: same user, key and body mean the same request.
#[derive(Clone, Debug)]
pub struct Request {
    user_id: i64,
    key_hash: String,
    body_hash: String,
}

impl Request {
    /// Hashes key and body; the key is unique per user.
    pub fn new(user_id: i64, key: &[u8], body: &[u8]) -> Self {
        Self {
            user_id,
            key_hash: hash(key),
            body_hash: hash(body),
        }
    }
}

/// Says whether the bytes are a key: 1 to [`MAX_KEY`] visible ASCII characters, including quotes, which belong to the
/// key.
pub fn is_key(key: &[u8]) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic)
}

/// Right to run a request, until taken over.
#[derive(Clone, Debug)]
pub struct Claim {
    id: i64,
    run: Uuid,
    /// Losses of access by the user before the run began.
    losses: i64,
    notes: AnswerNotes,
}

/// Outcome of looking up a key.
#[derive(Debug)]
pub enum Found {
    /// Free: the caller runs the request.
    Claimed(Claim),
    /// The request ran.
    Answered(Answer),
    /// The request ran; the answer was too large to store, or secret.
    AnswerNotKept,
    /// The request ran; since then the user has lost a role or membership.
    AccessLost,
    /// The request is running.
    UnderWay,
    /// The request changed data, and its process died before storing the answer.
    AnswerLost,
    /// The key belongs to a different request.
    OtherRequest,
}

/// Looks up a request, and claims its key if free. A run without an answer at the end of its lease is dead; if a dead
/// run has changed no data, its key is free again.
pub async fn claim(app: &App, actor: &Actor, request: &Request, lease: Duration) -> Result<Found> {
    for _ in 0..TRIES {
        let now = instant::now();
        let row = idempotency_key::Entity::find()
            .filter(Column::UserId.eq(request.user_id))
            .filter(Column::KeyHash.eq(&*request.key_hash))
            .one(app.db.reader())
            .await?;
        let found = row.as_ref().and_then(|row| found(row, request, now));
        let kept = row.as_ref().map(|row| row.access_losses);
        match found {
            // Counts after reading the answer: a loss in between is noticed.
            Some(Found::Answered(_))
                if kept != Some(losses::count(app, request.user_id).await?) =>
            {
                return Ok(Found::AccessLost);
            }
            Some(found) => return Ok(found),
            None => {}
        }
        let losses = losses::before(app, actor).await?;
        if let Some(claim) = take(app, request, row.as_ref(), now, lease, losses).await? {
            return Ok(Found::Claimed(claim));
        }
    }
    Err(Error::busy())
}

/// Interprets a row, or `None` if the key is free.
fn found(row: &idempotency_key::Model, request: &Request, now: DateTime<Utc>) -> Option<Found> {
    if row.expires_at <= now {
        return None;
    }
    // A different body under the same key is a mistake of the client and must not get a stored answer.
    if row.body_hash != request.body_hash {
        return Some(Found::OtherRequest);
    }
    let Some(answer) = row.stored_answer() else {
        return match (row.leased_until > now, row.writes) {
            (true, _) => Some(Found::UnderWay),
            (false, 0) => None,
            (false, _) => Some(Found::AnswerLost),
        };
    };
    Some(match answer.text {
        Some(_) => Found::Answered(answer),
        None => Found::AnswerNotKept,
    })
}

/// Claims a free key, by a new row or by taking over this row. Is `None` if a parallel request claimed the key first.
async fn take(
    app: &App,
    request: &Request,
    before: Option<&idempotency_key::Model>,
    now: DateTime<Utc>,
    lease: Duration,
    losses: i64,
) -> Result<Option<Claim>> {
    let run = Uuid::new_v4();
    let lease = TimeDelta::from_std(lease).unwrap_or(KEPT);
    let row = idempotency_key::ActiveModel {
        user_id: Set(request.user_id),
        key_hash: Set(request.key_hash.clone()),
        body_hash: Set(request.body_hash.clone()),
        run: Set(run),
        writes: Set(0),
        status: Set(None),
        media_type: Set(None),
        answer: Set(None),
        access_losses: Set(losses),
        leased_until: Set(now + lease),
        expires_at: Set(now + KEPT),
        ..Default::default()
    };
    let txn = app.db.begin().await?;
    let changed = match before {
        None => {
            idempotency_key::Entity::insert(row)
                .on_conflict(
                    OnConflict::columns([Column::UserId, Column::KeyHash])
                        .do_nothing()
                        .to_owned(),
                )
                .exec_without_returning(&txn)
                .await?
        }
        // The earlier run may still be active. It has counted a write, which the filter notices, or can count none
        // after this update.
        Some(before) => {
            let update = idempotency_key::Entity::update_many().set(row);
            let update = update
                .filter(Column::Id.eq(before.id))
                .filter(Column::Run.eq(before.run))
                .filter(Column::Writes.eq(before.writes))
                .filter(match before.status {
                    Some(status) => Column::Status.eq(status),
                    None => Column::Status.is_null(),
                });
            // Compares run, writes and status as read: a row that changed since is left alone.
            update.exec(&txn).await?.rows_affected
        }
    };
    let id: Option<i64> = match changed {
        0 => None,
        _ => {
            let own = idempotency_key::Entity::find().select_only();
            let own = own.column(Column::Id).filter(Column::Run.eq(run));
            let own = own.filter(Column::UserId.eq(request.user_id));
            let own = own.filter(Column::KeyHash.eq(&*request.key_hash));
            own.into_tuple().one(&*txn).await?
        }
    };
    txn.commit().await?;
    Ok(id.map(|id| Claim {
        id,
        run,
        losses,
        notes: AnswerNotes::default(),
    }))
}

/// Returns the app for a claimed request. Its transactions count themselves, in any task, and fail once the key is
/// taken over.
pub fn fenced(app: &App, claim: &Claim) -> App {
    let count = idempotency_key::Entity::update_many()
        .col_expr(Column::Writes, Expr::col(Column::Writes).add(1))
        .filter(Column::Id.eq(claim.id))
        .filter(Column::Run.eq(claim.run))
        .build(app.db.backend());
    App {
        notes: claim.notes.clone(),
        ..app.with_db(app.db.fenced(count))
    }
}

/// Stores the answer of a finished request.
pub async fn answer(app: &App, claim: &Claim, answer: &Answer) -> Result<()> {
    let losses = match claim.losses {
        losses::NEVER => losses::NEVER,
        losses => losses + claim.notes.own_losses(),
    };
    // Copies the text only when it is kept: a large answer would be in memory twice, and once without a lease.
    let is_kept = |text: &&String| text.len() <= MAX_ANSWER && claim.notes.may_be_stored();
    let row = idempotency_key::ActiveModel {
        access_losses: Set(losses),
        ..Answer {
            status: answer.status,
            media_type: answer.media_type.clone(),
            text: answer.text.as_ref().filter(is_kept).cloned(),
        }
        .into()
    };
    let txn = app.db.begin().await?;
    let update = idempotency_key::Entity::update_many().set(row);
    let update = update.filter(Column::Id.eq(claim.id));
    // Only while this run owns the key: a later run's answer must not be overwritten.
    update.filter(Column::Run.eq(claim.run)).exec(&txn).await?;
    txn.commit().await?;
    Ok(())
}

/// Releases the key of a request that ended without an answer and changed no data; later writes of the run fail.
/// Returns false when the request has changed data.
pub async fn release(app: &App, claim: &Claim) -> Result<bool> {
    let txn = app.db.begin().await?;
    let released = idempotency_key::Entity::delete_many()
        .filter(Column::Id.eq(claim.id))
        .filter(Column::Run.eq(claim.run))
        .filter(Column::Writes.eq(0))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(released.rows_affected > 0)
}

/// Ends the lease of a request that ended without an answer, so that a repetition does not wait.
pub async fn abandon(app: &App, claim: &Claim) -> Result<()> {
    let row = idempotency_key::ActiveModel {
        leased_until: Set(instant::now()),
        ..Default::default()
    };
    let txn = app.db.begin().await?;
    let update = idempotency_key::Entity::update_many().set(row);
    let update = update.filter(Column::Id.eq(claim.id));
    update.filter(Column::Run.eq(claim.run)).exec(&txn).await?;
    txn.commit().await?;
    Ok(())
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii() {
        for key in ["a", "\"quoted\"", "!~", &"k".repeat(MAX_KEY)] {
            assert!(is_key(key.as_bytes()), "{key}");
        }
        for key in [
            "",
            " ",
            "a b",
            "tab\t",
            "é",
            "\u{7f}",
            &"k".repeat(MAX_KEY + 1),
        ] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
    }
}
