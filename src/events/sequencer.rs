//! PostgreSQL: numbering of committed revisions, by whichever process holds the lock.
//!
//! A revision's id is drawn before its commit, so ids don't follow the commit order: a reader by id would pass
//! revisions that commit later. A row visible in `outbox` is committed; it gets the next number.
//!
//! Decision: docs/decisions/0007-events.md.

use std::{sync::Arc, time::Duration};

use sea_orm::{
    SqlxError,
    sqlx::{self, Connection, PgConnection, Row},
};

use super::{SLOW_POLL, Shared, backoff::Backoff, listener::CHANNEL};
use crate::db::{self, advisory};

/// Minimum time between rounds, so that many commits share a round.
const PACE: Duration = Duration::from_millis(5);
/// Maximum time of a round, connecting included. Afterwards PostgreSQL ends the transaction of a frozen process,
/// which releases the lock.
const ROUND: Duration = Duration::from_secs(30);
/// Maximum revisions per transaction.
const MOST: usize = 1000;

const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT FROM outbox)";
// A single sequencer per database.
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";
// Separate statement after the lock: its snapshot must include what the previous holder committed
// (https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED).
const NUMBER: &str = "WITH taken AS ( \
       DELETE FROM outbox WHERE revision_id IN \
         (SELECT revision_id FROM outbox ORDER BY revision_id LIMIT $1) \
       RETURNING revision_id) \
     INSERT INTO event (revision_id) SELECT revision_id FROM taken ORDER BY revision_id \
     RETURNING seq";
const NOTIFY: &str = "SELECT pg_notify($1, '')";

/// Outcome of a round, with the last sequence number that it assigned.
enum Round {
    /// Every event committed before the round is numbered.
    Complete(Option<i64>),
    /// Another process holds the lock, or more events wait.
    Partial(Option<i64>),
}

/// Numbers revisions until aborted.
pub async fn run(shared: Arc<Shared>) {
    let mut backoff = Backoff::new("numbering events");
    let mut connection = None;
    let mut commits = shared.db.commits().ended();
    let mut flush_requests = shared.flush_requests.subscribe();
    loop {
        // Both before the round: commits and flush requests during the round need another.
        commits.mark_unchanged();
        let covers = *flush_requests.borrow_and_update();
        match db::within(ROUND, round(&shared, &mut connection)).await {
            Ok(Round::Complete(last)) => {
                backoff.reset();
                publish(&shared, last);
                shared.flushed.send_if_modified(|served| {
                    let is_news = *served < covers;
                    *served = covers.max(*served);
                    is_news
                });
                tokio::time::sleep(PACE).await;
                tokio::select! {
                    // Can't fail: `shared` keeps the senders.
                    _ = commits.changed() => {}
                    _ = flush_requests.changed() => {}
                    () = tokio::time::sleep(SLOW_POLL) => {}
                }
            }
            Ok(Round::Partial(last)) => {
                backoff.reset();
                publish(&shared, last);
                tokio::time::sleep(PACE).await;
            }
            Err(error) => {
                connection = None;
                backoff.wait(&error).await;
            }
        }
    }
}

fn publish(shared: &Shared, last: Option<i64>) {
    if let Some(last) = last {
        shared.advance_watermark(last);
        shared.wake.send_replace(());
    }
}

/// Numbers a batch and notifies other processes.
async fn round(shared: &Shared, kept: &mut Option<PgConnection>) -> Result<Round, SqlxError> {
    let connection = match kept {
        Some(connection) => connection,
        None => kept.insert(shared.db.direct_postgres().await?),
    };
    // Without a lock and transaction: idle servers run this statement four times per second.
    if sqlx::query_scalar(IS_EMPTY)
        .fetch_one(&mut *connection)
        .await?
    {
        return Ok(Round::Complete(None));
    }
    // A transaction-level lock ends with the transaction, even when the process dies.
    let mut txn = connection.begin().await?;
    let is_ours: bool = sqlx::query_scalar(TRY_LOCK)
        .bind(advisory::SEQUENCER)
        .fetch_one(&mut *txn)
        .await?;
    if !is_ours {
        txn.rollback().await?;
        return Ok(Round::Partial(None));
    }
    let rows = sqlx::query(NUMBER)
        .bind(MOST as i64)
        .fetch_all(&mut *txn)
        .await?;
    txn.commit().await?;
    let mut last = None;
    for row in &rows {
        last = last.max(Some(row.try_get("seq")?));
    }
    if last.is_some() {
        // Outside of writing transactions: `NOTIFY` takes a global lock at commit, which would serialise all writers.
        sqlx::query(NOTIFY)
            .bind(CHANNEL)
            .execute(connection)
            .await?;
    }
    if rows.len() < MOST {
        Ok(Round::Complete(last))
    } else {
        Ok(Round::Partial(last))
    }
}
