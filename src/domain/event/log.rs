//! The event log as a whole: which one it is.

use entity::event_log;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::{
    app::App,
    error::{Error, Result},
};

/// What tells this log from any other, and from itself before a backup was restored.
pub async fn generation(app: &App) -> Result<String> {
    let row = event_log::Entity::find().one(app.db.reader()).await?;
    let row = row.ok_or_else(|| {
        let missing = sea_orm::DbErr::RecordNotFound("event_log is empty".to_owned());
        Error::Internal(std::sync::Arc::new(missing))
    })?;
    Ok(row.generation)
}

/// Ends the validity of all cursors that were handed out. To be done whenever a backup was restored, with all
/// servers stopped.
pub async fn renew(app: &App) -> Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| Error::Internal(std::sync::Arc::new(error)))?;
    let txn = app.db.begin().await?;
    event_log::Entity::delete_many().exec(&*txn).await?;
    let row = event_log::ActiveModel {
        generation: Set(format!("{:016x}", u64::from_be_bytes(random))),
    };
    event_log::Entity::insert(row)
        .exec_without_returning(&*txn)
        .await?;
    txn.commit().await?;
    Ok(())
}
