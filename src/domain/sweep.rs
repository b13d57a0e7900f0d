//! Removes expired rows in the background, a bounded number at a time.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{draft, idempotency};
use crate::{app::App, instant};

/// Interval between two sweeps.
const EVERY: Duration = Duration::from_secs(600);

/// Sweeps now and then at each interval, for as long as the future is polled.
pub async fn keep_swept(app: App) {
    let mut turns = tokio::time::interval(EVERY);
    // `Delay`: a slow sweep is followed by a full pause, not by a burst of missed sweeps.
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let now = instant::now();
        for (rows, swept) in [
            ("idempotency keys", idempotency::sweep(&app, now).await),
            ("replaced drafts", draft::sweep_replaced(&app, now).await),
            ("losses of access", idempotency::sweep_losses(&app).await),
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
