//! Removal of expired rows in the background, a bounded number at a time.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{draft, idempotency};
use crate::{app::App, instant};

/// How long after one sweep the next one comes.
const EVERY: Duration = Duration::from_secs(600);

/// Sweeps now and from time to time, for as long as it is polled.
pub async fn keep_swept(app: App) {
    let mut turns = tokio::time::interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let now = instant::now();
        for (rows, swept) in [
            ("idempotency keys", idempotency::sweep(&app, now).await),
            ("replaced drafts", draft::sweep_replaced(&app, now).await),
        ] {
            match swept {
                Ok(0) => {}
                Ok(swept) => tracing::debug!(swept, "swept expired {rows}"),
                Err(error) => app
                    .db
                    .health()
                    .report(&error, &format!("sweep expired {rows}")),
            }
        }
    }
}
