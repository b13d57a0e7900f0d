//! A request that must not run twice: who sent it under which key, how far it came, and its answer.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Keys of different users have nothing to do with one another. They outlive their user until they expire.
    pub user_id: i64,
    /// SHA-256 of the key, in lower-case hexadecimal. Unique for each user.
    pub key_hash: String,
    /// SHA-256 of the request's body, in lower-case hexadecimal.
    pub body_hash: String,
    /// Who runs the request. Whoever takes over a key gives it another one, and by that ends the run before.
    pub run: Uuid,
    /// Transactions that the run has committed, each counted by itself.
    pub writes: i32,
    /// The answer's HTTP status; null while there is no answer.
    pub status: Option<i32>,
    pub media_type: Option<String>,
    /// The answer's body; null beside a status when it was too large to be kept, or secret.
    #[sea_orm(column_type = "Text", nullable)]
    pub answer: Option<String>,
    /// Losses of access that the user had had when the request ran, those that it caused included. The answer is
    /// replayed only while the user has had as many; -1 means never.
    pub access_losses: i64,
    /// A run without an answer at this time is dead.
    pub leased_until: DateTimeUtc,
    /// From here on the key means nothing any more.
    pub expires_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
