//! Checkpoints of SQLite's write-ahead log, apart from the writer.
//!
//! By default the commit that makes the log exceed a thousand pages copies the log into the database, and its write
//! waits (<https://www.sqlite.org/wal.html#automatic_checkpoint>). Here the idle connection copies the log, shortly after
//! a commit, while the writer goes on. A log that grows meanwhile is never copied to its end and would grow for ever, so
//! the writer copies the rest of a long log between two groups, which makes the next write begin the log anew.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, sqlx};

use super::sqlite::{BUSY_TIMEOUT, Sqlite};

/// Time from a commit to the checkpoint: the pages of many commits are copied once.
const DELAY: Duration = Duration::from_millis(100);
/// Pages of the log from which the writer begins the log anew: 32 MB.
const LONG: i64 = 8_000;
/// Longest wait of the writer for readers of a long log. Readers that stay longer leave the log for the next attempt.
const READERS: Duration = Duration::from_millis(5);

/// State of the checkpoints of a database.
#[derive(Default)]
pub struct Checkpoints {
    is_running: AtomicBool,
    is_log_long: AtomicBool,
}

/// Starts a checkpoint after a commit, unless one is due already.
pub fn after_commit(sqlite: &Arc<Sqlite>) {
    if sqlite.checkpoints.is_running.swap(true, Ordering::SeqCst) {
        return;
    }
    let sqlite = sqlite.clone();
    tokio::spawn(async move {
        tokio::time::sleep(DELAY).await;
        // Reset before the checkpoint: a commit that follows starts the next.
        sqlite.checkpoints.is_running.store(false, Ordering::SeqCst);
        match pages(&sqlite).await {
            Ok(pages) => {
                let is_long = pages > LONG;
                sqlite
                    .checkpoints
                    .is_log_long
                    .store(is_long, Ordering::SeqCst);
            }
            // The log keeps what was not copied, so no write is lost.
            Err(error) => tracing::debug!(%error, "can't copy the write-ahead log"),
        }
    });
}

/// Copies the log as far as no reader needs it, and returns the length of the log in pages; 0 while the connection is
/// closed.
async fn pages(sqlite: &Sqlite) -> Result<i64, sqlx::Error> {
    let mut keeper = sqlite.keeper.lock().await;
    let Some(connection) = keeper.as_mut() else {
        return Ok(0);
    };
    // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
    let checkpoint = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)");
    let (_is_busy, pages, _copied): (i64, i64, i64) = checkpoint.fetch_one(connection).await?;
    Ok(pages)
}

/// Begins a long log anew, on the writer between two transactions. A log that can't be copied, for example because the
/// disk is full, stays as it is. Fails when the connection is gone.
pub async fn restart_long_log(sqlite: &Sqlite, writer: &DatabaseConnection) -> Result<(), DbErr> {
    if !sqlite.checkpoints.is_log_long.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let timeout = |time: Duration| format!("PRAGMA busy_timeout = {}", time.as_millis());
    writer.execute_unprepared(&timeout(READERS)).await?;
    let restart = "PRAGMA wal_checkpoint(RESTART)";
    if let Err(error) = writer.execute_unprepared(restart).await {
        tracing::debug!(%error, "can't copy the write-ahead log");
    }
    // Also after a failure: a write waits for the lock as long as before.
    writer
        .execute_unprepared(&timeout(BUSY_TIMEOUT))
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbBackend, Statement, TransactionTrait};

    use super::*;
    use crate::db::{Database, Options};

    async fn write(db: &Database, sql: &str) {
        let txn = db.begin().await.unwrap();
        txn.execute_unprepared(sql).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// Milliseconds for which the writer waits for the lock.
    async fn patience(db: &Database) -> i64 {
        let asked = Statement::from_string(DbBackend::Sqlite, "PRAGMA busy_timeout");
        let row = db.writer.query_one_raw(asked).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    #[tokio::test]
    async fn a_long_log_begins_anew_unless_a_reader_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let db = Database::connect(&Options::new(url)).await.unwrap();
        write(&db, "CREATE TABLE text (text)").await;
        let fill = "WITH RECURSIVE row (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM row WHERE number < 40) \
            INSERT INTO text SELECT randomblob(1 << 20) FROM row";
        write(&db, fill).await;
        let pages = || async { pages(&db.sqlite).await.unwrap() };
        let is_log_long = &db.sqlite.checkpoints.is_log_long;

        // Reads from the log, which is not copied yet.
        let reader = db.reader.connections.begin().await.unwrap();
        let count = "SELECT count(*) FROM text";
        reader.execute_unprepared(count).await.unwrap();
        write(&db, "INSERT INTO text VALUES ('a')").await;
        is_log_long.store(true, Ordering::SeqCst);
        write(&db, "INSERT INTO text VALUES ('b')").await;
        assert!(pages().await > LONG);
        assert_eq!(patience(&db).await, 30_000);
        reader.rollback().await.unwrap();

        is_log_long.store(true, Ordering::SeqCst);
        write(&db, "INSERT INTO text VALUES ('c')").await;
        assert!(pages().await < 10);
        assert_eq!(patience(&db).await, 30_000);
        db.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_commit_starts_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let url = format!("sqlite:{}", file.display());
        let db = Database::connect(&Options::new(url)).await.unwrap();
        let length = || file.metadata().unwrap().len();
        write(&db, "CREATE TABLE text (text)").await;
        write(&db, "INSERT INTO text VALUES (randomblob(100000))").await;
        while length() < 100_000 {
            tokio::time::sleep(DELAY).await;
        }
        db.close().await.unwrap();
    }
}
