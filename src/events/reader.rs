//! The one who reads new events for all subscribers of the process, while there are any.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::{Read, SLOW_POLL, Shared, backoff::Backoff, watcher};
use crate::db::Database;

/// Reads from behind `head` until nobody listens any more.
pub async fn run(shared: Arc<Shared>, head: i64, read: Read) {
    let mut subscribers = Subscribers {
        shared: &shared,
        are_gone: false,
    };
    if shared.db.backend() == DbBackend::Sqlite {
        tokio::select! {
            () = broadcast(&shared, head, read) => {}
            () = watcher::run(&shared) => {}
        }
    } else {
        broadcast(&shared, head, read).await;
    }
    subscribers.are_gone = true;
}

/// Closes the subscribers' channel when the reader ends before them.
struct Subscribers<'a> {
    shared: &'a Shared,
    are_gone: bool,
}

impl Drop for Subscribers<'_> {
    fn drop(&mut self) {
        if !self.are_gone {
            *self.shared.subscribers() = None;
        }
    }
}

async fn broadcast(shared: &Shared, mut head: i64, read: Read) {
    let since = crate::db::now();
    let mut backoff = Backoff::new("reading events");
    let mut wake = shared.wake.subscribe();
    loop {
        shared.advance_watermark(head);
        wake.mark_unchanged();
        let batch = match read(shared.db.clone(), head, since).await {
            Ok(batch) => batch,
            Err(error) => {
                // The text of an internal error is its cause, which the log may have.
                backoff.wait(&format!("{error:?}")).await;
                continue;
            }
        };
        backoff.reset();
        {
            let mut subscribers = shared.subscribers();
            let Some(sender) = subscribers
                .as_ref()
                .filter(|sender| sender.receiver_count() > 0)
            else {
                // Nobody can begin to listen meanwhile: that takes this lock too.
                *subscribers = None;
                return;
            };
            if let Some(last) = batch.last() {
                head = last;
                // An error means that nobody listens, which the next turn finds out.
                let _ = sender.send(Arc::new(batch));
                continue;
            }
        }
        // The sender lives as long as `shared`.
        let _ = tokio::time::timeout(SLOW_POLL, wake.changed()).await;
    }
}

/// Reads the last event's number at startup, so that subscriptions have little to search. An optimisation only.
pub async fn init_watermark(shared: Arc<Shared>) {
    if let Ok(end) = last_readable(&shared.db).await {
        shared.advance_watermark(end);
    }
}

/// Number of the last event that can be read. Events that are being numbered have higher ones.
pub async fn last_readable(db: &Database) -> Result<i64, DbErr> {
    match db.backend() {
        DbBackend::Sqlite => last_seq(db).await,
        _ => number(db, "SELECT max(seq) AS last FROM event").await,
    }
}

/// The last sequence number assigned, even if its event was rolled back or can't be read yet.
pub async fn last_seq(db: &Database) -> Result<i64, DbErr> {
    let given = match db.backend() {
        DbBackend::Sqlite => {
            "SELECT max(seq) AS last FROM sqlite_sequence WHERE name = 'annotation_revision'"
        }
        _ => {
            "SELECT pg_sequence_last_value(pg_get_serial_sequence('event', 'seq')::regclass) AS last"
        }
    };
    number(db, given).await
}

async fn number(db: &Database, sql: &str) -> Result<i64, DbErr> {
    let statement = Statement::from_string(db.backend(), sql);
    let row = db.reader().query_one_raw(statement).await?;
    let last: Option<i64> = row
        .map(|row| row.try_get("", "last"))
        .transpose()?
        .flatten();
    Ok(last.unwrap_or(0))
}
