//! API tokens in the graph: never what signs in, but once.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::api_token;

use super::{context::ContextExt, scalar::DateTime, user::User};
use crate::{domain::token as tokens, error::Result, id};

/// A secret that signs its user in. The secret itself is known only when it is made.
pub struct ApiToken(pub Arc<api_token::Model>);

/// A secret that signs its user in. The secret itself is known only when it is made.
#[Object]
impl ApiToken {
    /// Unique among tokens.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Whom it signs in. Null once you may not see them.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, Some(self.0.user_id)).await
    }

    /// What it is for, in its owner's words; empty when nothing was said.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its first characters: enough to recognise it, and useless to guess it.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it ends by itself. Null when it does not.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was last used, to the minute. Null when it never was.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// When it was ended. Null while it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

/// A token that is to be made.
#[derive(InputObject)]
pub struct CreateTokenInput {
    /// What it is for, in its owner's words, at most 255 characters.
    #[graphql(default)]
    name: String,
    /// Expiry, in the future and no later than that of the token you are signed in with (OUT_OF_BOUNDS). Unless
    /// given, the new token expires together with yours, or never if yours has no expiry.
    expires_at: Option<DateTime>,
    /// Whom it is to sign in; you unless given. Others are for admins.
    user_id: Option<ID>,
}

/// A token at its making.
#[derive(SimpleObject)]
pub struct CreatedToken {
    /// The secret: `Authorization: Bearer …`. It is told this once and kept nowhere, not for an
    /// `Idempotency-Key` either.
    text: String,
    /// What is kept of it.
    token: ApiToken,
}

#[derive(Default)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Make a token: for yourself, as an admin for anybody who can sign in.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, FORBIDDEN, BAD_USER_INPUT for a
    /// user whom there is not (UNKNOWN_ID), who can't sign in (INVALID_FORMAT), or who has 100 active tokens already
    /// (TOO_MANY).
    async fn create_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: CreateTokenInput,
    ) -> Option<Result<CreatedToken>> {
        let new = tokens::New {
            name: input.name,
            expires_at: input.expires_at.map(|at| at.0),
            user_id: input.user_id.map(|id| id::reference(&id)),
        };
        let created = tokens::issue(ctx.app(), ctx.actor(), new).await;
        Some(created.map(|created| CreatedToken {
            text: created.text,
            token: ApiToken(Arc::new(created.row)),
        }))
    }

    /// End a token at once: one of your own, as an admin any. Ending it again changes nothing.
    ///
    /// Errors: NOT_FOUND, also for a token of somebody else.
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token's id.")] id: ID,
    ) -> Option<Result<ApiToken>> {
        let row = tokens::end(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(row.map(|row| ApiToken(Arc::new(row))))
    }
}
