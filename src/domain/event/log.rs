//! Identity of the event log: generation and cursor key.

use entity::event_log;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::cursor::Log;
use crate::{
    app::App,
    error::{Error, Result},
};

/// Reads the log's identity. The generation differs between databases, and from the same database before a restored
/// backup.
pub async fn current(app: &App) -> Result<Log> {
    let row = event_log::Entity::find().one(app.db.reader()).await?;
    let row = row.ok_or_else(|| {
        let missing = sea_orm::DbErr::RecordNotFound("event_log is empty".to_owned());
        Error::Internal(std::sync::Arc::new(missing))
    })?;
    Ok(Log::new(
        row.generation,
        &row.cursor_key,
        row.unsealed_until,
    ))
}

/// Invalidates all cursors handed out so far. Required after a backup is restored, while all servers are stopped.
pub async fn renew(app: &App) -> Result<()> {
    let row = event_log::ActiveModel {
        generation: Set(random::<8>()?),
        cursor_key: Set(random::<32>()?),
        unsealed_until: Set(0),
    };
    // Replaces the row in a single transaction: a log without an identity refuses all subscriptions.
    let txn = app.db.begin().await?;
    event_log::Entity::delete_many().exec(&*txn).await?;
    event_log::Entity::insert(row)
        .exec_without_returning(&*txn)
        .await?;
    txn.commit().await?;
    Ok(())
}

/// Generates random bytes in hexadecimal.
fn random<const BYTES: usize>() -> Result<String> {
    let mut random = [0_u8; BYTES];
    getrandom::fill(&mut random).map_err(|error| Error::Internal(std::sync::Arc::new(error)))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
