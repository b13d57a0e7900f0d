//! A failure that lasts: told once, and tried again ever more slowly.

use std::{fmt::Display, time::Duration};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

pub struct Trouble {
    /// What fails, for the log.
    with: &'static str,
    wait: Option<Duration>,
}

impl Trouble {
    pub fn with(with: &'static str) -> Self {
        Self { with, wait: None }
    }

    /// Resolves when it is time to try again.
    pub async fn met(&mut self, error: &impl Display) {
        let wait = match self.wait {
            None => {
                tracing::warn!(%error, "{} fails; trying again", self.with);
                FIRST
            }
            Some(last) => (last * 2).min(LONGEST),
        };
        self.wait = Some(wait);
        tokio::time::sleep(wait).await;
    }

    pub fn is_over(&mut self) {
        if self.wait.take().is_some() {
            tracing::info!("{} works again", self.with);
        }
    }
}
