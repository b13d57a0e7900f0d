//! The one who reads new events for all subscribers of the process, while there are any.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::{Read, SLOW_POLL, Shared, trouble::Trouble, watcher};
use crate::db::Database;

/// Reads from behind `head` until nobody listens any more.
pub async fn run(shared: Arc<Shared>, head: i64, read: Read) {
    let mut hearers = Hearers {
        shared: &shared,
        are_gone: false,
    };
    if shared.db.backend() == DbBackend::Sqlite {
        tokio::select! {
            () = hand_out(&shared, head, read) => {}
            () = watcher::run(&shared) => {}
        }
    } else {
        hand_out(&shared, head, read).await;
    }
    hearers.are_gone = true;
}

/// Those who listen: told, should the reader end before them.
struct Hearers<'a> {
    shared: &'a Shared,
    are_gone: bool,
}

impl Drop for Hearers<'_> {
    fn drop(&mut self) {
        if !self.are_gone {
            *self.shared.hearers() = None;
        }
    }
}

async fn hand_out(shared: &Shared, mut head: i64, read: Read) {
    let since = crate::db::now();
    let mut trouble = Trouble::with("reading events");
    let mut grown = shared.grown.subscribe();
    loop {
        shared.know(head);
        grown.mark_unchanged();
        let batch = match read(shared.db.clone(), head, since).await {
            Ok(batch) => batch,
            Err(error) => {
                // The text of an internal error is its cause, which the log may have.
                trouble.met(&format!("{error:?}")).await;
                continue;
            }
        };
        trouble.is_over();
        {
            let mut hearers = shared.hearers();
            let Some(sender) = hearers
                .as_ref()
                .filter(|sender| sender.receiver_count() > 0)
            else {
                // Nobody can begin to listen meanwhile: that takes this lock too.
                *hearers = None;
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
        let _ = tokio::time::timeout(SLOW_POLL, grown.changed()).await;
    }
}

/// Learns what there is, so that no subscription has to look far back. Without it they find out themselves.
pub async fn look(shared: Arc<Shared>) {
    if let Ok(end) = end(&shared.db).await {
        shared.know(end);
    }
}

/// Behind the last event that can be read. What is being numbered at this moment lies behind it, too.
pub async fn end(db: &Database) -> Result<i64, DbErr> {
    match db.backend() {
        DbBackend::Sqlite => given(db).await,
        _ => number(db, "SELECT max(seq) AS last FROM event").await,
    }
}

/// The last number that was given, be it to what has been taken back since or can't be read yet.
pub async fn given(db: &Database) -> Result<i64, DbErr> {
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
