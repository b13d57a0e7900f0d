//! Requests that are sent again under one key: they run once, and the first answer is the answer of all.
//!
//! A key is claimed before its request runs. Each transaction that the request commits is counted in that same
//! transaction, so that of a run that died it is known whether it changed anything; and whoever takes a key over
//! ends the run before, because that one finds nothing to count in any more.

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

/// Most characters of a key.
pub const MAX_KEY: usize = 255;
/// How long a key is kept, from its first request on.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// Bytes of the largest answer that is kept.
pub const MAX_ANSWER: usize = 1 << 20;
/// How often a key is looked at that others free or claim meanwhile.
const TRIES: usize = 4;

/// A request with a key: the same key and body of the same user is the same request.
#[derive(Clone, Debug)]
pub struct Request {
    user_id: i64,
    key_hash: String,
    body_hash: String,
}

impl Request {
    pub fn new(user_id: i64, key: &[u8], body: &[u8]) -> Self {
        Self {
            user_id,
            key_hash: hash(key),
            body_hash: hash(body),
        }
    }
}

/// 1 to [`MAX_KEY`] visible characters of ASCII, quotes included: a key is taken as it is.
pub fn is_key(key: &[u8]) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic)
}

/// The right to run a request, until somebody takes it over.
#[derive(Clone, Debug)]
pub struct Claim {
    id: i64,
    run: Uuid,
    /// Losses of access that the user had had when the run began.
    losses: i64,
    notes: AnswerNotes,
}

/// What there is under a key.
#[derive(Debug)]
pub enum Found {
    /// Nothing that counts: the request is the caller's to run.
    Claimed(Claim),
    /// It ran.
    Answered(Answer),
    /// It ran; its answer was larger than is kept, or secret.
    AnswerNotKept,
    /// It ran; its user has lost a role or membership since.
    AccessLost,
    /// It runs.
    UnderWay,
    /// It changed something, and whoever ran it died before they could tell the answer.
    AnswerLost,
    /// The key stands for another request.
    OtherRequest,
}

/// Looks for a request, and claims its key when nobody else has it. A run that has given no answer when its
/// lease ends is dead: a key under which it changed nothing is free again.
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
            // Counted after the answer was read, so that no loss from before goes uncounted.
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

/// What a row says; `None` when it stands in nobody's way.
fn found(row: &idempotency_key::Model, request: &Request, now: DateTime<Utc>) -> Option<Found> {
    if row.expires_at <= now {
        return None;
    }
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

/// Claims a key that is free: a new one, or that of this row. `None` when somebody else was faster.
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
        // Whatever ran there may still be at work: then it has counted something, or never will.
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

/// The program at work on a request that is claimed. Its writes count themselves, in whichever task they run; once the
/// key is somebody else's, they fail.
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

/// Keeps the answer of a request that ran.
pub async fn answer(app: &App, claim: &Claim, answer: Answer) -> Result<()> {
    let losses = match claim.losses {
        losses::NEVER => losses::NEVER,
        losses => losses + claim.notes.own_losses(),
    };
    let is_small = |text: &String| text.len() <= MAX_ANSWER;
    let text = answer.text.filter(is_small);
    let row = idempotency_key::ActiveModel {
        access_losses: Set(losses),
        ..Answer {
            text: text.filter(|_| claim.notes.may_be_stored()),
            ..answer
        }
        .into()
    };
    let txn = app.db.begin().await?;
    let update = idempotency_key::Entity::update_many().set(row);
    let update = update.filter(Column::Id.eq(claim.id));
    update.filter(Column::Run.eq(claim.run)).exec(&txn).await?;
    txn.commit().await?;
    Ok(())
}

/// Frees the key of a request that ended without an answer and changed nothing. What it might still try to
/// change, fails. False when it did change something.
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

/// Ends the lease of a request that ended without an answer, so that nobody waits for it.
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
