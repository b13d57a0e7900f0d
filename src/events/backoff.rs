//! Retries with exponential backoff, logged once per failure.

use std::{fmt::Display, time::Duration};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Growing delay between the attempts of background work that fails.
pub struct Backoff {
    /// Name of the retried work, for the log.
    work: &'static str,
    /// Last delay, absent while the work succeeds.
    delay: Option<Duration>,
}

impl Backoff {
    /// Creates a delay for work that has not failed yet.
    pub fn new(work: &'static str) -> Self {
        Self { work, delay: None }
    }

    /// Waits before the next attempt, each time twice as long, and logs the first failure.
    pub async fn wait(&mut self, error: &impl Display) {
        let delay = match self.delay {
            None => {
                tracing::warn!(%error, "{} fails; trying again", self.work);
                FIRST
            }
            Some(last) => (last * 2).min(LONGEST),
        };
        self.delay = Some(delay);
        tokio::time::sleep(delay).await;
    }

    /// Logs that the work succeeds again, if it had failed.
    pub fn reset(&mut self) {
        if self.delay.take().is_some() {
            tracing::info!("{} works again", self.work);
        }
    }
}
