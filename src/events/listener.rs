//! PostgreSQL: hears that another process has numbered events.

use std::sync::Arc;

use sea_orm::SqlxError;

use super::{Shared, trouble::Trouble};

pub const CHANNEL: &str = "annograph_event";

/// Listens until it is aborted.
pub async fn run(shared: Arc<Shared>) {
    let mut trouble = Trouble::with("listening for events");
    loop {
        let Err(error) = listen(&shared, &mut trouble).await;
        trouble.met(&error).await;
    }
}

async fn listen(
    shared: &Shared,
    trouble: &mut Trouble,
) -> Result<std::convert::Infallible, SqlxError> {
    let mut listener = shared.db.listener(CHANNEL).await?;
    trouble.is_over();
    loop {
        // What was notified while nobody listened is lost, so a new connection is news too.
        shared.grown.send_replace(());
        listener.try_recv().await?;
    }
}
