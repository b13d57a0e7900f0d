//! Mutation `discardDraft`: deletes a draft without a further effect.

use entity::annotation_draft::{self, Column};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::LockType};

use crate::{
    app::App,
    domain::access::{self, Actor},
    error::{Error, Result},
};

/// Deletes a draft and returns its last content. Allowed for its author, and for managers of its project, who see the
/// drafts of people who never sign in.
pub async fn discard(app: &App, actor: &Actor, id: i64) -> Result<annotation_draft::Model> {
    let txn = app.db.begin().await?;
    // Locks the row: of two requests that discard or submit the same draft, the second finds no draft.
    let draft = access::visible_drafts(actor)
        .filter(Column::Id.eq(id))
        .lock(LockType::Update)
        .one(&*txn)
        .await?
        .ok_or(Error::NotFound("draft"))?;
    annotation_draft::Entity::delete_by_id(draft.id)
        .exec(&*txn)
        .await?;
    txn.commit().await?;
    Ok(draft)
}
