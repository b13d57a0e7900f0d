//! Requests that must not run twice, and what they were answered.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("idempotency_key")
                    .col(big_pk_auto("id"))
                    // No foreign key: who deletes themselves under a key is answered too.
                    .col(big_integer("user_id"))
                    .col(text("key_hash"))
                    .col(text("body_hash"))
                    .col(uuid("run"))
                    .col(integer("writes"))
                    .col(integer_null("status"))
                    .col(text_null("media_type"))
                    .col(text_null("answer"))
                    .col(timestamp_with_time_zone("leased_until"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("uq_idempotency_key_user_id_key_hash")
                    .table("idempotency_key")
                    .col("user_id")
                    .col("key_hash")
                    .unique()
                    .take(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_idempotency_key_expires_at")
                    .table("idempotency_key")
                    .col("expires_at")
                    .take(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("idempotency_key").take())
            .await?;
        Ok(())
    }
}
