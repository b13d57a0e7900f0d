//! Whether the database takes writes: asked by a write that leaves nothing behind.

use std::time::Duration;

use entity::event_log::{ActiveModel, Column, Entity};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbBackend, EntityTrait, QueryFilter};
use tokio::time::{Instant, timeout, timeout_at};

use super::Database;
use crate::error::{Error, Reason, Result, Unavailable};

/// How long a probe may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the last write stands for the next one.
const FRESH: Duration = Duration::from_secs(1);
/// How often a condition is looked at.
const EVERY: Duration = Duration::from_secs(1);

impl Database {
    /// Whether writes succeed, known after two seconds at the latest: by a write of the last second, or by one of
    /// its own. Of several who ask at once one writes.
    pub async fn takes_writes(&self) -> Result<(), Reason> {
        let deadline = Instant::now() + PATIENCE;
        let Ok(_alone) = timeout_at(deadline, self.probing.lock()).await else {
            return Err(self.health().condition().unwrap_or(Reason::Timeout));
        };
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

    /// Looks after conditions that keep the database from its work, for as long as it is polled: notices that they
    /// are over.
    pub async fn keep_probed(self) {
        let mut begun = self.health().begun();
        loop {
            if self.health().condition().is_none() {
                // The sender lives as long as the database.
                let _ = begun.changed().await;
            }
            tokio::time::sleep(EVERY).await;
            if timeout(PATIENCE, self.probe()).await.is_err() {
                self.health().begin(&late());
            }
            let is_read_only = self.health().condition() == Some(Reason::ReadOnly);
            if self.backend() == DbBackend::Sqlite
                && (is_read_only || self.refuses_writes().is_some())
                && let Err(error) = self.renew_sqlite().await
            {
                tracing::debug!(%error, "can't open the database for writing yet");
            }
        }
    }

    /// Reads, then writes a row and takes it out again. Whatever comes of it is reported to [`Database::health`].
    async fn probe(&self) -> Result<()> {
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
