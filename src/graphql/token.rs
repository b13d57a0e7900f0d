//! API token type and mutations. A token's text appears in the answer to its creation alone.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::api_token;

use super::{context::ContextExt, input::reference, scalar::DateTime, user::User};
use crate::{domain::token as tokens, error::Result, id};

/// An API token, a secret that signs a user in. The secret is shown only at the token's creation.
pub struct ApiToken(pub Arc<api_token::Model>);

/// An API token, a secret that signs a user in. The secret is shown only at the token's creation.
#[Object]
impl ApiToken {
    /// Unique among tokens.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The user of the token. Null while you may not see the user.
    async fn user(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        User::load(ctx, Some(self.0.user_id)).await
    }

    /// Purpose of the token, in the owner's words; may be empty.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The first characters of the secret: enough to recognise the token, and useless for guessing the
    /// rest.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Expiry. Null for a token without an expiry.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// Time of the last use, to the minute. Null for an unused token.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// Time of the revocation. Null for a token that was not revoked.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

/// A new token.
#[derive(InputObject)]
pub struct CreateTokenInput {
    /// Purpose of the token, in the owner's words, at most 255 characters.
    #[graphql(default)]
    name: String,
    /// Expiry, in the future and no later than that of the token you are signed in with (OUT_OF_BOUNDS). Unless
    /// given, the new token expires together with yours, or never if yours has no expiry.
    expires_at: Option<DateTime>,
    /// The user of the token; you, unless given. A different user: for admins.
    user_id: Option<ID>,
}

/// A new token with its secret.
#[derive(SimpleObject)]
pub struct CreatedToken {
    /// The secret: `Authorization: Bearer …`. Shown this once and stored nowhere, not for an
    /// `Idempotency-Key` either.
    text: String,
    /// The stored token.
    token: ApiToken,
}

/// Root fields that create and revoke API tokens.
#[derive(Default)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Create a token: for yourself, as an admin for any user who can sign in.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, FORBIDDEN, BAD_USER_INPUT for
    /// a user who does not exist (UNKNOWN_ID), who can't sign in (INVALID_FORMAT), or who has 100 active
    /// tokens already (TOO_MANY).
    async fn create_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: CreateTokenInput,
    ) -> Option<Result<CreatedToken>> {
        let new = tokens::New {
            name: input.name,
            expires_at: input.expires_at.map(|at| at.0),
            user_id: reference(input.user_id),
        };
        let created = tokens::issue(ctx.app(), ctx.actor(), new).await;
        Some(created.map(|created| {
            // Keeps the answer out of storage: the token's text appears in this answer alone.
            ctx.no_store();
            CreatedToken {
                text: created.text,
                token: ApiToken(Arc::new(created.row)),
            }
        }))
    }

    /// Revoke a token at once: of your own, as an admin any. Revoking a revoked token changes nothing.
    ///
    /// Errors: NOT_FOUND, also for tokens of other users.
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token's id.")] id: ID,
    ) -> Option<Result<ApiToken>> {
        let row = tokens::end(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(row.map(|row| ApiToken(Arc::new(row))))
    }
}
