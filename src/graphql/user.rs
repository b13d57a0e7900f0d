//! User type with its fields, and root fields.

mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::user;

use super::{
    connection::{Connection, ListQuery, RootQuery, arguments, root},
    context::ContextExt,
    filter::{DateTimeRange, IDFilter, StringFilter, tree},
    list::List,
    loader::{TokensOf, UserId},
    scalar::DateTime,
    token::ApiToken,
    total::RootFilter,
};
use crate::{
    app::App,
    domain::{
        access::{self, Actor},
        filter::EnumFilter,
        page::{Arguments, Ordering, Page, PageRows},
        user as users,
    },
    error::{Problem, Result},
    id,
};

pub use self::mutation::UserMutation;

/// A user who annotates, manages, or did so in the system that data was imported from.
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
            // An invisible user is null, as if deleted: names are shown by separate fields.
            Ok(person) if !person.is_visible => None,
            Ok(person) => Some(Ok(Self(person.user.clone()))),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Permissions of a user beyond projects.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "user::Role")]
pub enum UserRole {
    /// Sees and manages everything.
    Admin,
    /// Sees the projects that the user belongs to.
    Member,
}

/// A user who annotates, manages, or did so in the system that data was imported from.
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

    /// The name to show; may be empty.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// The e-mail address. Null without an address, and for everybody except the user and admins.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let may_see = access::is_self_or_admin(ctx.actor(), self.0.id);
        self.0.email.as_deref().filter(|_| may_see)
    }

    /// Permissions beyond projects.
    async fn role(&self) -> UserRole {
        self.0.role.into()
    }

    /// Tokens sign the user in: false for users that an import made, and for users that an admin shut out.
    async fn can_sign_in(&self) -> bool {
        self.0.can_sign_in
    }

    /// The user's API tokens, oldest first, including expired and revoked tokens. Null for everybody except
    /// the user and admins.
    async fn tokens(&self, ctx: &Context<'_>) -> Option<Result<List<ApiToken>>> {
        let rows = ctx.loader().load_one(TokensOf(self.0.id)).await;
        // Null rather than empty for other users: the loader leaves out users whose tokens the actor may not see.
        let rows = rows.transpose()?;
        Some(rows.map(|rows| {
            let rows = rows.into_iter();
            rows.map(|row| ApiToken(row.into())).collect()
        }))
    }

    /// Time of the user's creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Condition on the users of a list. Every given part has to match.
#[derive(Default, InputObject)]
pub struct UserFilter {
    /// By id.
    id: Option<IDFilter>,
    /// By username.
    username: Option<StringFilter>,
    /// By display name.
    display_name: Option<StringFilter>,
    /// By e-mail address. For everybody except admins, only the viewer's own address can match.
    email: Option<EmailFilter>,
    /// By permissions beyond projects.
    role: Option<UserRoleFilter>,
    /// Users whom tokens sign in, or users who can't sign in.
    can_sign_in: Option<bool>,
    /// By time of creation.
    created_at: Option<DateTimeRange>,
    /// All filters of the list match, too. An empty list adds no condition.
    and: Option<Vec<UserFilter>>,
    /// At least one filter of the list matches. An empty list matches nothing.
    or: Option<Vec<UserFilter>>,
    /// The filter does not match. A missing value matches no bound and no id, so `not` finds the row.
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

/// Condition on an e-mail address, without regard to case. Every given part has to match.
#[derive(InputObject)]
pub struct EmailFilter {
    /// Equal to this address.
    eq: Option<String>,
    /// Equal to an address of the list.
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

/// Condition on a role. Every given part has to match.
#[derive(InputObject)]
pub struct UserRoleFilter {
    /// Equal to this role.
    eq: Option<UserRole>,
    /// Equal to a role of the list.
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

/// Root fields that read users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// The signed-in user.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<User> {
        Some(ctx.actor().user.clone().into())
    }

    /// A user by id. Null when no such user exists, or you may not see the user.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id.")] id: ID,
    ) -> Option<Result<User>> {
        User::load(ctx, Some(id::reference(&id))).await
    }

    /// The users that you may see: you and everybody who shares a project with you; for admins all.
    /// Ascending by id.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            UserFilter,
        >,
        #[graphql(desc = "The first items, 50 unless given, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last items, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Items before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<User>>> {
        let filter = users::Filter::from(filter.unwrap_or_default());
        Some(root(ctx, filter, arguments(first, after, last, before)).await)
    }
}

impl ListQuery for users::Filter {
    type Filter = Self;
    type Row = user::Model;

    fn filter(&self) -> Self {
        self.clone()
    }

    fn page(&self, arguments: &Arguments) -> Result<Page, Vec<Problem>> {
        Page::of(arguments, self, <Ordering>::default())
    }
}

impl RootQuery for users::Filter {
    async fn rows(&self, app: &App, actor: &Actor, page: &Page) -> Result<PageRows<user::Model>> {
        users::list(app, actor, self, page).await
    }
}

impl RootFilter for users::Filter {
    async fn count(&self, app: &App, actor: &Actor) -> Result<u64> {
        users::count(app, actor, self).await
    }
}
