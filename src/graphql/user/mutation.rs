//! Mutations of users.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{
    super::{context::ContextExt, input::patch, scalar::int},
    User, UserRole,
};
use crate::{
    domain::user::{self as users, New},
    error::Result,
    id,
};

/// A new user. The user signs in by a token, which `createToken` makes.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// Unique among users: 1 to 150 characters, no "@" and no space at either end.
    username: String,
    /// The name to show, at most 255 characters and no "@", because the name is visible to everybody.
    /// U+0000 is INVALID_TEXT, as in every text.
    #[graphql(default)]
    display_name: String,
    /// The e-mail address, unique among users. Imports find people by the address.
    email: Option<String>,
    /// Permissions beyond projects.
    #[graphql(default_with = "UserRole::Member")]
    role: UserRole,
}

/// A change of a user. An absent field keeps its value. `null` clears `email`; for all remaining fields
/// `null` is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// Unique among users: 1 to 150 characters, no "@" and no space at either end. For admins.
    username: MaybeUndefined<String>,
    /// The name to show, at most 255 characters, no "@", and no U+0000, which is INVALID_TEXT; empty for no
    /// name. You may change your own.
    display_name: MaybeUndefined<String>,
    /// The e-mail address, unique among users. For admins.
    email: MaybeUndefined<String>,
    /// Permissions beyond projects. For admins.
    role: MaybeUndefined<UserRole>,
    /// Tokens sign the user in. A user who is shut out keeps the authorship of all work. For admins.
    can_sign_in: MaybeUndefined<bool>,
}

/// Summary of the changes by a user's deletion.
#[derive(SimpleObject)]
pub struct DeletedUser {
    /// Id of the deleted user.
    id: ID,
    /// Username of the deleted user, which is free again.
    username: String,
    /// Number of the user's annotations: they stay, without an author.
    annotation_count: i32,
    /// Number of deleted drafts.
    draft_count: i32,
    /// Number of deleted tokens.
    token_count: i32,
}

/// Root fields that write users.
#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Add a user. For admins.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, FORBIDDEN, BAD_USER_INPUT
    /// with ALREADY_TAKEN for a username or an e-mail address in use.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: CreateUserInput,
    ) -> Option<Result<User>> {
        let new = New {
            username: input.username,
            display_name: input.display_name,
            email: input.email,
            role: input.role.into(),
        };
        let row = users::add(ctx.app(), ctx.actor(), new).await;
        Some(row.map(User::from))
    }

    /// Change a user: given fields are set, absent fields keep their values. Every user may change their
    /// own display name; all remaining fields are for admins.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// BAD_USER_INPUT with ALREADY_TAKEN, or LAST_ADMIN for a change that would leave no active admin.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
        #[graphql(desc = "The change.")] input: UpdateUserInput,
    ) -> Option<Result<User>> {
        let change = users::Change {
            username: patch(input.username, |name| name),
            display_name: patch(input.display_name, |name| name),
            email: patch(input.email, |email| email),
            role: patch(input.role, Into::into),
            can_sign_in: patch(input.can_sign_in, |can| can),
        };
        let row = users::update(ctx.app(), ctx.actor(), id::reference(&id), change).await;
        Some(row.map(User::from))
    }

    /// Delete a user with their drafts, tokens and memberships. For admins. Annotations stay without an
    /// author, and histories without an actor: to keep both, set `canSignIn` to false instead.
    ///
    /// Errors, in this order: NOT_FOUND, FORBIDDEN, BAD_USER_INPUT with LAST_ADMIN for the last active
    /// admin.
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Option<Result<DeletedUser>> {
        let deleted = users::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(deleted.map(|deleted| DeletedUser {
            // The deleted user can't be loaded any more, so the answer holds name and counts alone.
            id: deleted.row.id.into(),
            username: deleted.row.username,
            annotation_count: int(deleted.annotations),
            draft_count: int(deleted.drafts),
            token_count: int(deleted.tokens),
        }))
    }
}
