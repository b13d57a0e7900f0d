//! SQLite: detection of commits of this process and others.

use std::time::Duration;

use sea_orm::{
    SqlxError,
    sqlx::{self, SqliteConnection},
};

use super::{Shared, backoff::Backoff};

/// Polling interval; a poll takes some 6 µs.
const PERIOD: Duration = Duration::from_millis(10);

/// Watches until dropped.
pub async fn run(shared: &Shared) {
    tokio::join!(own_commits(shared), all_commits(shared));
}

/// Wakes readers after each commit of this process, without polling.
async fn own_commits(shared: &Shared) {
    let mut ended = shared.db.commits().ended();
    while ended.changed().await.is_ok() {
        shared.wake.send_replace(());
    }
}

async fn all_commits(shared: &Shared) {
    let mut backoff = Backoff::new("watching for events");
    loop {
        let Err(error) = watch(shared, &mut backoff).await;
        backoff.wait(&error).await;
    }
}

async fn watch(
    shared: &Shared,
    backoff: &mut Backoff,
) -> Result<std::convert::Infallible, SqlxError> {
    let mut connection = shared.db.direct_sqlite().await?;
    let mut last = version(&mut connection).await?;
    // Wakes readers for commits before the watch started.
    shared.wake.send_replace(());
    backoff.reset();
    loop {
        tokio::time::sleep(PERIOD).await;
        let version = version(&mut connection).await?;
        if version != last {
            last = version;
            shared.wake.send_replace(());
        }
    }
}

/// Changes when another connection has committed (<https://www.sqlite.org/pragma.html#pragma_data_version>). Must not
/// run inside a transaction.
async fn version(connection: &mut SqliteConnection) -> Result<i64, SqlxError> {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(connection)
        .await
}
