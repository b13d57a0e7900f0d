//! Users in the graph.

mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::user;

use super::{
    connection::{Connection, Total, arguments},
    context::ContextExt,
    filter::{DateTimeRange, IDFilter, StringFilter, tree},
    loader::{TokensOf, UserId},
    scalar::DateTime,
    token::ApiToken,
};
use crate::{
    domain::{
        filter::EnumFilter,
        page::{Arguments, Ordering, Page},
        user as users,
    },
    error::{Error, Result},
    id,
};

pub use self::mutation::UserMutation;

/// Somebody who annotates, manages, or did so in the system that data was imported from.
#[derive(Clone)]
pub struct User(pub Arc<user::Model>);

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl User {
    /// A referenced user: nothing without one, and nothing that the viewer may not see.
    pub async fn load(ctx: &Context<'_>, id: Option<i64>) -> Option<Result<Self>> {
        let person = ctx.loader().load_one(UserId(id?)).await.transpose()?;
        match person {
            Ok(person) if !person.is_visible => None,
            Ok(person) => Some(Ok(person.user.clone().into())),
            Err(error) => Some(Err(error)),
        }
    }
}

/// What a user may do beyond their projects.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Role")]
pub enum UserRole {
    /// Sees and manages everything.
    Admin,
    /// Sees the projects they belong to.
    Member,
}

/// Somebody who annotates, manages, or did so in the system that data was imported from.
#[Object]
impl User {
    /// Unique among users.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Unique among users; holds no "@".
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// The name to show; empty when none was given.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// The e-mail address. Null without one, and for everybody but the user and admins.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let may_see = ctx.actor().is_admin() || ctx.actor().id() == self.0.id;
        self.0.email.as_deref().filter(|_| may_see)
    }

    /// What they may do beyond their projects.
    async fn role(&self) -> UserRole {
        self.0.role.into()
    }

    /// Whether tokens sign them in: not those whom an import made, nor those whom an admin shut out.
    async fn can_sign_in(&self) -> bool {
        self.0.can_sign_in
    }

    /// Their API tokens, oldest first, ended ones too. Null for everybody but the user and admins.
    async fn tokens(&self, ctx: &Context<'_>) -> Option<Result<Vec<ApiToken>>> {
        let rows = ctx.loader().load_one(TokensOf(self.0.id)).await;
        let rows = rows.transpose()?;
        Some(rows.map(|rows| {
            let rows = rows.into_iter();
            rows.map(|row| ApiToken(row.into())).collect()
        }))
    }

    /// When they were added.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Which users a list holds. Parts that are given all have to match.
#[derive(Default, InputObject)]
pub struct UserFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By username.
    username: Option<StringFilter>,
    /// By display name.
    display_name: Option<StringFilter>,
    /// By e-mail address. To everybody but admins, all users but themselves have none.
    email: Option<EmailFilter>,
    /// By what they may do beyond their projects.
    role: Option<UserRoleFilter>,
    /// Whether tokens sign them in.
    can_sign_in: Option<bool>,
    /// By when they were added.
    created_at: Option<DateTimeRange>,
    /// All of these match, too. An empty list says nothing.
    and: Option<Vec<UserFilter>>,
    /// One of these matches, at least. Of an empty list none does, so nothing is found.
    or: Option<Vec<UserFilter>>,
    /// This does not match. What has no value does not match a bound or an id, so it is found here.
    not: Option<Box<UserFilter>>,
}

impl From<UserFilter> for users::Filter {
    fn from(input: UserFilter) -> Self {
        let leaves = users::Leaves {
            id: input.id.map(Into::into),
            username: input.username.map(Into::into),
            display_name: input.display_name.map(Into::into),
            email: input.email.map(Into::into),
            role: input.role.map(Into::into),
            can_sign_in: input.can_sign_in,
            created_at: input.created_at.map(Into::into),
        };
        tree(leaves, input.and, input.or, input.not)
    }
}

/// Matches an e-mail address, without regard to case. Parts that are given all have to match.
#[derive(InputObject)]
pub struct EmailFilter {
    /// Exactly this address.
    eq: Option<String>,
    /// One of these addresses.
    r#in: Option<Vec<String>>,
}

impl From<EmailFilter> for EnumFilter<String> {
    fn from(input: EmailFilter) -> Self {
        Self {
            eq: input.eq,
            is_in: input.r#in,
        }
    }
}

/// Matches a role. Parts that are given all have to match.
#[derive(InputObject)]
pub struct UserRoleFilter {
    /// Exactly this role.
    eq: Option<UserRole>,
    /// One of these roles.
    r#in: Option<Vec<UserRole>>,
}

impl From<UserRoleFilter> for EnumFilter<user::Role> {
    fn from(input: UserRoleFilter) -> Self {
        let roles = |roles: Vec<UserRole>| roles.into_iter().map(Into::into).collect();
        Self {
            eq: input.eq.map(Into::into),
            is_in: input.r#in.map(roles),
        }
    }
}

#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// You.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<User> {
        Some(ctx.actor().user.clone().into())
    }

    /// One user. Null when there is no such user, or you may not see them.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Option<Result<User>> {
        User::load(ctx, Some(id::reference(&id))).await
    }

    /// The users that you may see: you and everybody who shares a project with you. Ascending by id.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all unless given.")] filter: Option<UserFilter>,
        #[graphql(desc = "The first items, 50 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<User>>> {
        let filter = filter.unwrap_or_default();
        Some(list(ctx, filter, &arguments(first, after, last, before)).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: UserFilter,
    arguments: &Arguments,
) -> Result<Connection<User>> {
    let filter = filter.into();
    let page = Page::of(arguments, &filter, <Ordering>::default()).map_err(Error::BadInput)?;
    let slice = users::list(ctx.app(), ctx.actor(), &filter, &page).await?;
    Ok(Connection::new(slice, Total::Users(filter)))
}
