//! Idempotency key: a request that must not run twice, with progress and answer.

use sea_orm::{ActiveValue::Set, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Namespace of the key: keys of different users are independent. Outlives the user until the key expires.
    pub user_id: i64,
    /// SHA-256 of the key, in lower-case hexadecimal. Unique per user.
    pub key_hash: String,
    /// SHA-256 of the request's body, in lower-case hexadecimal.
    pub body_hash: String,
    /// Id of the run that owns the key. Taking over a key replaces the id, which aborts the earlier run at its fence.
    pub run: Uuid,
    /// Number of transactions that the run has committed, each counted within itself.
    pub writes: i32,
    /// HTTP status of the answer; null without an answer.
    pub status: Option<i32>,
    pub media_type: Option<String>,
    /// Body of the answer; null beside a status when the answer was too large to store, or secret.
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    /// Number of the user's losses of access when the request had run, including losses that the request caused. The
    /// answer is replayed only while the number is unchanged; -1 means never.
    pub access_losses: i64,
    /// Deadline of a run: without an answer by then, the run counts as dead.
    pub leased_until: DateTimeUtc,
    /// End of the key's validity.
    pub expires_at: DateTimeUtc,
}

/// An answer as the transport wrote it, which alone reads it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: i32,
    pub media_type: Option<String>,
    /// The body; `None` when it is not kept.
    pub text: Option<String>,
}

impl Model {
    /// The answer, once there is one.
    pub fn stored_answer(&self) -> Option<Answer> {
        Some(Answer {
            status: self.status?,
            media_type: self.media_type.clone(),
            text: self.answer.clone(),
        })
    }
}

impl From<Answer> for ActiveModel {
    fn from(answer: Answer) -> Self {
        Self {
            status: Set(Some(answer.status)),
            media_type: Set(answer.media_type),
            answer: Set(answer.text),
            ..Default::default()
        }
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
