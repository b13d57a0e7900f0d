//! Reader of new events for all subscribers of the process; runs while there are any.

use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::Instant;

use super::{Read, SLOW_POLL, Shared, backoff::Backoff, watcher};
use crate::db::Database;

/// Pause between two batches for each subscriber: about the time that a delivery takes.
const PAUSE: Duration = Duration::from_micros(50);
/// Longest pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Reads the events after `head` until no subscriber is left.
pub async fn run(shared: Arc<Shared>, head: i64, read: Read) {
    let mut subscribers = Subscribers {
        shared: &shared,
        are_gone: false,
    };
    // SQLite has no notifications between processes: the watcher polls beside the reader.
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

/// Closes the subscribers' channel when the reader is aborted.
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
    let since = crate::instant::now();
    let mut backoff = Backoff::new("reading events");
    let mut wake = shared.wake.subscribe();
    let mut next_at = Instant::now();
    loop {
        if next_at > Instant::now() {
            tokio::time::sleep_until(next_at).await;
        }
        // The reader has read up to `head`, so later commits have higher numbers.
        shared.advance_watermark(head);
        // Before reading: a commit during the read must trigger another read.
        wake.mark_unchanged();
        let batch = match read(shared.db.clone(), head, since).await {
            Ok(batch) => batch,
            Err(error) => {
                // `Debug` shows the cause of an internal error, which the log may contain.
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
                // Safe against new subscribers: subscribing takes this lock too.
                *subscribers = None;
                return;
            };
            if let Some(last) = batch.last() {
                head = last;
                if !batch.has_more {
                    next_at = Instant::now() + pause(sender.receiver_count());
                }
                // Fails without receivers, which the next turn detects.
                let _ = sender.send(Arc::new(batch));
                continue;
            }
        }
        // Can't fail: `shared` keeps the sender.
        let _ = tokio::time::timeout(SLOW_POLL, wake.changed()).await;
    }
}

/// Pause between two batches. Each batch wakes each subscriber: with many subscribers, events that come in quick
/// succession go out together, so that the writers keep their share of the processors.
fn pause(subscribers: usize) -> Duration {
    let subscribers = u32::try_from(subscribers).unwrap_or(u32::MAX);
    match LONGEST_PAUSE.min(PAUSE.saturating_mul(subscribers)) {
        // Timers have steps of a millisecond.
        short if short < Duration::from_millis(1) => Duration::ZERO,
        pause => pause,
    }
}

/// Reads the last event's number at startup, so that subscriptions have little to search. An optimisation only.
pub async fn init_watermark(shared: Arc<Shared>) {
    if let Ok(end) = last_readable(&shared.db).await {
        shared.advance_watermark(end);
    }
}

/// Number of the last readable event. Events whose numbering is not committed have higher numbers.
pub async fn last_readable(db: &Database) -> Result<i64, DbErr> {
    match db.backend() {
        DbBackend::Sqlite => last_seq(db).await,
        _ => number(db, "SELECT max(seq) AS last FROM event").await,
    }
}

/// Last assigned sequence number, even if its event was rolled back or can't be read yet.
pub async fn last_seq(db: &Database) -> Result<i64, DbErr> {
    let given = match db.backend() {
        DbBackend::Sqlite => {
            // `AUTOINCREMENT` keeps the largest row id ever used, also of deleted rows
            // (https://www.sqlite.org/autoinc.html).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_subscribers_wait_for_nothing_and_many_for_a_tenth_of_a_second() {
        assert_eq!(pause(19), Duration::ZERO);
        assert_eq!(pause(20), Duration::from_millis(1));
        assert_eq!(pause(500), Duration::from_millis(25));
        for many in [2_000, 100_000, usize::MAX] {
            assert_eq!(pause(many), LONGEST_PAUSE);
        }
    }
}
