//! PostgreSQL: notifications of events numbered by other processes.

use std::sync::Arc;

use sea_orm::SqlxError;

use super::{Shared, backoff::Backoff};

/// Channel of PostgreSQL's NOTIFY on which servers announce numbered events.
pub const CHANNEL: &str = "annograph_event";

/// Listens until aborted.
pub async fn run(shared: Arc<Shared>) {
    let mut backoff = Backoff::new("listening for events");
    loop {
        let Err(error) = listen(&shared, &mut backoff).await;
        backoff.wait(&error).await;
    }
}

async fn listen(
    shared: &Shared,
    backoff: &mut Backoff,
) -> Result<std::convert::Infallible, SqlxError> {
    let mut listener = shared.db.listener(CHANNEL).await?;
    backoff.reset();
    loop {
        // Notifications sent while disconnected are lost, so a new connection wakes the readers
        // (https://www.postgresql.org/docs/current/sql-notify.html).
        shared.wake.send_replace(());
        listener.try_recv().await?;
    }
}
