//! Probe: a write without lasting effect that shows whether the database accepts writes.

use std::time::Duration;

use entity::event_log::{ActiveModel, Column, Entity};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbBackend, EntityTrait, QueryFilter};
use tokio::time::{Instant, timeout, timeout_at};

use super::Database;
use crate::error::{Error, Reason, Result, Unavailable};

/// Longest time of a probe.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time for which a successful write makes a probe unnecessary.
const FRESH: Duration = Duration::from_secs(1);
/// Interval of probes during a condition.
const EVERY: Duration = Duration::from_secs(1);

impl Database {
    /// Checks whether the database accepts writes: by a write of the last second, or by a probe of at most two
    /// seconds. Concurrent callers share a single probe.
    pub async fn takes_writes(&self) -> Result<(), Reason> {
        let deadline = Instant::now() + PATIENCE;
        let Ok(_alone) = timeout_at(deadline, self.probing.lock()).await else {
            return Err(self.health().condition().unwrap_or(Reason::Timeout));
        };
        // Read after the lock: the previous holder may just have written.
        let is_known = self.health().has_written_within(FRESH);
        if self.health().condition().is_none() && is_known {
            return Ok(());
        }
        match timeout_at(deadline, self.probe()).await {
            Ok(Ok(())) => self.health().condition().map_or(Ok(()), Err),
            Ok(Err(Error::Unavailable(failure))) => Err(failure.reason),
            Ok(Err(error)) => {
                tracing::error!(?error, "can't probe the database");
                Err(Reason::Unreachable)
            }
            Err(_) => {
                self.health().begin(&late());
                Err(Reason::Timeout)
            }
        }
    }

    /// Probes during conditions, to notice the end. Runs while polled.
    pub async fn keep_probed(self) {
        let mut begun = self.health().begun();
        loop {
            if self.health().condition().is_none() {
                // Can't fail: the database keeps the sender.
                let _ = begun.changed().await;
            }
            tokio::time::sleep(EVERY).await;
            if timeout(PATIENCE, self.probe()).await.is_err() {
                self.health().begin(&late());
            }
            // SQLite's read-only connections never become writable, so a repaired disk needs new ones.
            let is_read_only = self.health().condition() == Some(Reason::ReadOnly);
            if self.backend() == DbBackend::Sqlite
                && (is_read_only || self.refuses_writes().is_some())
                && let Err(error) = self.renew_sqlite().await
            {
                tracing::debug!(%error, "can't open the database for writing yet");
            }
        }
    }

    /// Reads, then writes a row and deletes it. Reports the result to [`Database::health`].
    async fn probe(&self) -> Result<()> {
        // A unique name: probes of several servers must not delete each other's rows.
        let name = format!("probe-{}", uuid::Uuid::new_v4());
        let probed = async {
            Entity::find().one(self.reader()).await?;
            let txn = self.begin().await?;
            let row = ActiveModel {
                generation: Set(name.clone()),
                cursor_key: Set(String::new()),
                unsealed_until: Set(0),
            };
            Entity::insert(row).exec_without_returning(&*txn).await?;
            let own = Entity::delete_many().filter(Column::Generation.eq(name.as_str()));
            own.exec(&*txn).await?;
            txn.commit().await
        };
        let probed = probed.await;
        probed.inspect_err(|error| self.health().note(error))
    }
}

fn late() -> Unavailable {
    Reason::Timeout.into()
}
