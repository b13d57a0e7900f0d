//! Users: who annotates and who manages.

use std::collections::{HashMap, HashSet};

use entity::user::{self, Column, Role};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, SqlErr,
};

use super::{
    access::{self, Actor},
    filter::{self, IdFilter, StringFilter, Tree},
    page::{Columns, Key, Page, Slice},
};
use crate::{
    app::App,
    db,
    error::{Error, Problem, ProblemCode, Result},
};

/// Which users a list holds.
pub type Filter = Tree<Leaves>;

/// What a filter of users says by itself; every part that is given has to match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leaves {
    pub id: Option<IdFilter>,
    pub username: Option<StringFilter>,
}

impl filter::Leaves for Leaves {
    fn values(&self) -> usize {
        self.id.as_ref().map_or(0, IdFilter::values)
            + self.username.as_ref().map_or(0, StringFilter::values)
    }
}

fn matching(actor: &Actor, filter: &Filter) -> Select<user::Entity> {
    let condition = filter.condition(&|leaves: &Leaves, _| leaves.condition());
    access::visible_users(actor).filter(condition)
}

impl Leaves {
    fn condition(&self) -> Condition {
        Condition::all()
            .add_option(self.id.as_ref().map(|ids| ids.condition(Column::Id)))
            .add_option(
                self.username
                    .as_ref()
                    .map(|names| names.condition(Column::Username)),
            )
    }
}

/// A user as another one meets them: their name is on what they made, even where they themselves are
/// out of sight.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: user::Model,
    pub is_visible: bool,
}

/// The name to show: the display name, else the username. Never an e-mail address, even where one was
/// given as the display name.
pub fn shown_name(user: &user::Model) -> &str {
    if user.display_name.is_empty() || user.display_name.contains('@') {
        &user.username
    } else {
        &user.display_name
    }
}

/// A new user, from the command line.
#[derive(Debug)]
pub struct New {
    pub username: String,
    /// Empty for none. Holds no `@`: everybody sees it, and e-mail addresses are not for everybody.
    pub display_name: String,
    pub email: Option<String>,
    pub role: Role,
}

/// Adds a user. All problems of the names and the address are told at once; ALREADY_TAKEN comes after.
pub async fn create(app: &App, new: New) -> Result<user::Model> {
    let mut problems = Vec::new();
    let blank = new.username.trim().is_empty() || new.username.trim() != new.username;
    if blank || new.username.contains(['@', '\0']) || new.username.chars().count() > 150 {
        problems.push(Problem::new(
            ["username"],
            ProblemCode::InvalidFormat,
            "a username has 1 to 150 characters, no `@` and no space at its ends",
        ));
    }
    if new
        .email
        .as_ref()
        .is_some_and(|email| !email.contains('@') || email.contains('\0'))
    {
        problems.push(Problem::new(
            ["email"],
            ProblemCode::InvalidFormat,
            "this is no e-mail address",
        ));
    }
    if new.display_name.contains('@') {
        problems.push(Problem::new(
            ["displayName"],
            ProblemCode::InvalidFormat,
            "a display name has no `@`: everybody sees it",
        ));
    }
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    let row = user::ActiveModel {
        username: Set(new.username),
        display_name: Set(new.display_name.replace('\0', "")),
        email: Set(new.email.map(|email| email.to_lowercase())),
        role: Set(new.role),
        can_sign_in: Set(true),
        created_at: Set(db::now()),
        ..Default::default()
    };
    row.insert(app.db.writer())
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Problem::new(
                ["username"],
                ProblemCode::AlreadyTaken,
                "a user with this username or e-mail address exists already",
            )
            .into(),
            _ => Error::from(error),
        })
}

/// Every user, for the command line.
pub async fn all(app: &App) -> Result<Vec<user::Model>> {
    Ok(user::Entity::find()
        .order_by_asc(Column::Id)
        .all(app.db.reader())
        .await?)
}

/// The user whom an operator named: by username, e-mail address or id.
pub async fn named(app: &App, name: &str) -> Result<user::Model> {
    let mut condition = Condition::any()
        .add(Column::Username.eq(name))
        .add(Column::Email.eq(name.to_lowercase()));
    if let Some(id) = db::parse_id(name) {
        condition = condition.add(Column::Id.eq(id));
    }
    let mut rows = user::Entity::find()
        .filter(condition)
        .all(app.db.reader())
        .await?;
    // A username that looks like another user's id still names its own user.
    rows.sort_by_key(|row| row.username != name);
    rows.into_iter().next().ok_or(Error::NotFound("user"))
}

/// Users by id, with whether the actor sees them.
pub async fn people(app: &App, actor: &Actor, ids: &[i64]) -> Result<HashMap<i64, Person>> {
    let rows = user::Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(app.db.reader())
        .await?;
    // An admin sees whoever there is.
    let visible = match actor.is_admin() {
        true => rows.iter().map(|row| row.id).collect(),
        false => visible_ids(app.db.reader(), actor, ids).await?,
    };
    Ok(rows
        .into_iter()
        .map(|user| {
            let is_visible = visible.contains(&user.id);
            (user.id, Person { user, is_visible })
        })
        .collect())
}

/// Which of these users there are and the actor sees.
pub async fn visible_ids(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashSet<i64>> {
    // No need to ask for what is true by definition.
    if ids.iter().all(|id| *id == actor.id()) {
        return Ok(ids.iter().copied().collect());
    }
    let ids: Vec<i64> = access::visible_users(actor)
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().collect())
}

pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    page: &Page,
) -> Result<Slice<user::Model>> {
    page.fetch(
        app.db.reader(),
        matching(actor, filter),
        Columns {
            key: Key::Id,
            id: Column::Id,
            descending: false,
        },
    )
    .await
}

pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(matching(actor, filter)
        .select_only()
        .column(Column::Id)
        .count(app.db.reader())
        .await?)
}
