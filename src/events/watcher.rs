//! SQLite: notices the commits of this process and of others.

use std::time::Duration;

use sea_orm::{
    SqlxError,
    sqlx::{self, SqliteConnection},
};

use super::{Shared, backoff::Backoff};

/// How often it looks, some 6 µs each time.
const PERIOD: Duration = Duration::from_millis(10);

/// Watches until it is dropped.
pub async fn run(shared: &Shared) {
    tokio::join!(own_commits(shared), all_commits(shared));
}

/// Tells of this process's commits at once.
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
    // Whatever happened before.
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

/// Changes when another connection has committed. The connection must not be in a transaction.
async fn version(connection: &mut SqliteConnection) -> Result<i64, SqlxError> {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(connection)
        .await
}
