//! `discardDraft`: nothing comes of it.

use entity::annotation_draft;

use super::{consume, find_visible};
use crate::{app::App, domain::access::Actor, error::Result};

/// Removes a draft and answers with what it was. Whoever sees a draft may: its author, and the managers of its
/// project, for the drafts of people who never sign in.
pub async fn discard(app: &App, actor: &Actor, id: i64) -> Result<annotation_draft::Model> {
    let txn = app.db.begin().await?;
    let draft = find_visible(&*txn, actor, id).await?;
    let draft = consume(&*txn, draft.id).await?;
    txn.commit().await?;
    Ok(draft)
}
