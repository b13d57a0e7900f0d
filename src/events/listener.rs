//! PostgreSQL: hears that another process has numbered events.

use std::sync::Arc;

use sea_orm::SqlxError;

use super::{Shared, backoff::Backoff};

pub const CHANNEL: &str = "annograph_event";

/// Listens until it is aborted.
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
        // What was notified while nobody listened is lost, so a new connection is news too.
        shared.wake.send_replace(());
        listener.try_recv().await?;
    }
}
