//! Changes of users.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{
    super::{annotation::patch, context::ContextExt, task::small},
    User, UserRole,
};
use crate::{
    domain::user::{self as users, New},
    error::Result,
    id,
};

/// A new user. They sign in by a token, which `createToken` makes.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// Unique among users: 1 to 150 characters, no "@" and no space at its ends.
    username: String,
    /// The name to show, at most 255 characters and no "@": everybody sees it. Like every text, no U+0000, which is
    /// INVALID_TEXT.
    #[graphql(default)]
    display_name: String,
    /// The e-mail address, unique among users. Imports find people by it.
    email: Option<String>,
    /// What they may do beyond their projects.
    #[graphql(default_with = "UserRole::Member")]
    role: UserRole,
}

/// A change of a user. A field that is left out stays as it is. `null` clears `email`; for every other field it
/// is BAD_USER_INPUT.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// Unique among users: 1 to 150 characters, no "@" and no space at its ends. For admins.
    username: MaybeUndefined<String>,
    /// The name to show, at most 255 characters, no "@", and no U+0000, which is INVALID_TEXT; empty for none. You
    /// may change your own.
    display_name: MaybeUndefined<String>,
    /// The e-mail address, unique among users. For admins.
    email: MaybeUndefined<String>,
    /// What they may do beyond their projects. For admins.
    role: MaybeUndefined<UserRole>,
    /// Whether tokens sign them in. What they made stays theirs when they are shut out. For admins.
    can_sign_in: MaybeUndefined<bool>,
}

/// What went with a deleted user.
#[derive(SimpleObject)]
pub struct DeletedUser {
    /// The id that they had.
    id: ID,
    /// The username that they had, which is free again.
    username: String,
    /// Annotations of theirs: they stay, and have no author any more.
    annotation_count: i32,
    /// Drafts of theirs, which were deleted.
    draft_count: i32,
    /// Tokens of theirs, which were deleted.
    token_count: i32,
}

#[derive(Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Add a user. For admins.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, FORBIDDEN, BAD_USER_INPUT with
    /// ALREADY_TAKEN for a username or an e-mail address that is in use.
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

    /// Change a user: what is sent is set, what is left out stays. Everybody may change their own display name;
    /// all else is for admins.
    ///
    /// Errors, in this order: BAD_USER_INPUT with every problem of the input, NOT_FOUND, FORBIDDEN,
    /// BAD_USER_INPUT with ALREADY_TAKEN, or LAST_ADMIN for what would leave nobody to administer the server.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
        #[graphql(desc = "What to change.")] input: UpdateUserInput,
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

    /// Delete a user with their drafts, tokens and memberships. For admins. Their annotations stay without an
    /// author, and histories without whoever did it: to keep that, take `canSignIn` from them instead.
    ///
    /// Errors, in this order: NOT_FOUND, FORBIDDEN, BAD_USER_INPUT with LAST_ADMIN when nobody else could
    /// administer the server.
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Option<Result<DeletedUser>> {
        let deleted = users::delete(ctx.app(), ctx.actor(), id::reference(&id)).await;
        Some(deleted.map(|deleted| DeletedUser {
            id: deleted.row.id.into(),
            username: deleted.row.username,
            annotation_count: small(deleted.annotations),
            draft_count: small(deleted.drafts),
            token_count: small(deleted.tokens),
        }))
    }
}
