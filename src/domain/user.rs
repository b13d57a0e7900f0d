//! Users of the server, who annotate, review and manage.

mod check;
mod write;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::user::{self, Column, Role};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait,
    DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, SqlErr,
};
use serde::Serialize;

use super::{
    access::{self, Actor},
    filter::{self, DateTimeRange, EnumFilter, IdFilter, StringFilter, Tree},
    large::{Large, Reading},
    page::{Columns, Key, Page, PageRows},
};
use crate::{
    app::App,
    db::is_any,
    error::{Error, Path, Problem, ProblemCode, Result},
    id, instant,
};

use self::check::check_new;
pub use self::write::{Change, Deleted, add, delete, update};

impl Large for user::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[];
}

/// Filter of a list of users.
pub type Filter = Tree<Leaves>;

/// Conditions on a user; each condition that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaves {
    pub id: Option<IdFilter>,
    pub username: Option<StringFilter>,
    pub display_name: Option<StringFilter>,
    /// Case-insensitive.
    pub email: Option<EnumFilter<String>>,
    #[serde(serialize_with = "filter::stored")]
    pub role: Option<EnumFilter<Role>>,
    pub can_sign_in: Option<bool>,
    pub created_at: Option<DateTimeRange>,
}

impl filter::Leaves for Leaves {
    fn values(&self) -> usize {
        let names = [&self.username, &self.display_name];
        let names = names.into_iter().flatten().map(StringFilter::values);
        names.sum::<usize>()
            + self.id.as_ref().map_or(0, IdFilter::values)
            + self.email.as_ref().map_or(0, EnumFilter::values)
            + self.role.as_ref().map_or(0, EnumFilter::values)
            + self.created_at.as_ref().map_or(0, DateTimeRange::values)
    }

    fn check(&self, path: &Path, problems: &mut Vec<Problem>) {
        let names = [
            ("username", &self.username),
            ("displayName", &self.display_name),
        ];
        for (field, names) in names {
            if let Some(names) = names {
                let path: Path = path.iter().cloned().chain([field.into()]).collect();
                names.check(&path, problems);
            }
        }
    }
}

fn matching(actor: &Actor, filter: &Filter) -> Select<user::Entity> {
    let condition = filter.condition(&|leaves: &Leaves, _| leaves.condition(actor));
    access::visible_users(actor).filter(condition)
}

impl Leaves {
    fn condition(&self, actor: &Actor) -> Condition {
        use Column::{
            CanSignIn, CreatedAt, DisplayName, DisplayNameFolded, Id, Role, Username,
            UsernameFolded,
        };
        let name = |names: &Option<StringFilter>, column: Column, folded: Column| {
            names.as_ref().map(|names| names.condition(column, folded))
        };
        let email = self.email.as_ref();
        Condition::all()
            .add_option(self.id.as_ref().map(|ids| ids.condition(Id)))
            .add_option(name(&self.username, Username, UsernameFolded))
            .add_option(name(&self.display_name, DisplayName, DisplayNameFolded))
            .add_option(email.map(|emails| with_email(actor, emails)))
            .add_option(self.role.as_ref().map(|roles| roles.condition(Role)))
            .add_option(self.can_sign_in.map(|can| CanSignIn.eq(can)))
            .add_option(self.created_at.as_ref().map(|it| it.condition(CreatedAt)))
    }
}

/// Matches e-mail addresses that the actor may see: the actor's own, and for admins all. A negated filter treats
/// other users as users without an address.
fn with_email(actor: &Actor, emails: &EnumFilter<String>) -> Condition {
    // Addresses are stored in lower case.
    let lower = |email: &String| filter::storable(&email.to_lowercase());
    let condition = EnumFilter {
        eq: emails.eq.as_ref().map(lower),
        is_in: emails
            .is_in
            .as_ref()
            .map(|list| list.iter().map(lower).collect()),
    }
    .condition(Column::Email);
    match actor.is_admin() || emails.values() == 0 {
        true => condition,
        false => condition.add(Column::Id.eq(actor.id())),
    }
}

/// User, with the visibility to the actor: a name is shown on the user's work even where the user is invisible.
#[derive(Clone, Debug)]
pub struct UserWithVisibility {
    pub user: Arc<user::Model>,
    pub is_visible: bool,
}

/// Returns the name to show: the display name, else the username. Never returns an e-mail address, even where an
/// address was given as the display name.
pub fn display_name_or_username(user: &user::Model) -> &str {
    if user.display_name.is_empty() || user.display_name.contains('@') {
        &user.username
    } else {
        &user.display_name
    }
}

/// Values of a new user.
#[derive(Debug)]
pub struct New {
    pub username: String,
    /// Empty for none. Without `@`: all users see display names, whereas e-mail addresses are private.
    pub display_name: String,
    pub email: Option<String>,
    pub role: Role,
}

/// Adds a user. Reports all problems of names and address at once; ALREADY_TAKEN follows only for valid input.
pub async fn create(app: &App, new: New) -> Result<user::Model> {
    let problems = check_new(&new);
    if !problems.is_empty() {
        return Err(Error::BadInput(problems));
    }
    let txn = app.db.begin().await?;
    match insert(&txn, &new).await {
        Ok(row) => {
            txn.commit().await?;
            Ok(row)
        }
        Err(error) => {
            txn.rollback().await?;
            let email = new.email.map(|email| email.to_lowercase());
            Err(explain_failed_write(app, error, &new.username, email.as_deref(), None).await)
        }
    }
}

/// Inserts a new user with checked fields.
pub async fn insert(txn: &DatabaseTransaction, new: &New) -> Result<user::Model, DbErr> {
    let row = user::ActiveModel {
        username: Set(new.username.clone()),
        display_name: Set(new.display_name.clone()),
        email: Set(new.email.as_ref().map(|email| email.to_lowercase())),
        role: Set(new.role),
        can_sign_in: Set(true),
        created_at: Set(instant::now()),
        ..Default::default()
    };
    row.insert(txn).await
}

/// Explains a failed insert or update: reports each unique field that a different user holds. `own_id` is the id of
/// an updated user.
pub(super) async fn explain_failed_write(
    app: &App,
    error: DbErr,
    username: &str,
    email: Option<&str>,
    own_id: Option<i64>,
) -> Error {
    // Databases name the violated constraint in different ways, so the reason is read from the rows.
    if !matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
        return error.into();
    }
    let either = Condition::any()
        .add(Column::Username.eq(username))
        .add_option(email.map(|email| Column::Email.eq(email)));
    let others = user::Entity::find()
        .filter(either)
        .all(app.db.reader())
        .await;
    let mut others = match others {
        Ok(others) => others,
        Err(error) => return error.into(),
    };
    others.retain(|other| Some(other.id) != own_id);
    let mut problems = Vec::new();
    if others.iter().any(|other| other.username == username) {
        let message = "a user with this username exists already";
        problems.push(taken("username", message));
    }
    if email.is_some() && others.iter().any(|other| other.email.as_deref() == email) {
        let message = "a user with this e-mail address exists already";
        problems.push(taken("email", message));
    }
    match problems.is_empty() {
        // The conflicting user was deleted or renamed since, so a retry can succeed.
        true => Error::busy(),
        false => Error::BadInput(problems),
    }
}

fn taken(field: &str, message: &str) -> Problem {
    Problem::new([field], ProblemCode::AlreadyTaken, message)
}

/// Reads all users, for the command line.
pub async fn all(app: &App) -> Result<Vec<user::Model>> {
    Ok(user::Entity::find()
        .order_by_asc(Column::Id)
        .all(app.db.reader())
        .await?)
}

/// Finds the user that an operator named by username, e-mail address or id.
pub async fn by_name(app: &App, name: &str) -> Result<user::Model> {
    let mut condition = Condition::any()
        .add(Column::Username.eq(name))
        .add(Column::Email.eq(name.to_lowercase()));
    if let Some(id) = id::parse(name) {
        condition = condition.add(Column::Id.eq(id));
    }
    let mut rows = user::Entity::find()
        .filter(condition)
        .all(app.db.reader())
        .await?;
    // Prefers the username: a username can look like a different user's id.
    rows.sort_by_key(|row| row.username != name);
    rows.into_iter().next().ok_or(Error::NotFound("user"))
}

/// Reads users by id, with their visibility to the actor.
pub async fn people(
    app: &App,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashMap<i64, UserWithVisibility>> {
    let rows = read(app, ids).await?;
    // Admins see all users.
    let visible = match actor.is_admin() {
        true => rows.iter().map(|row| row.id).collect(),
        false => visible_ids(app.db.reader(), actor, ids).await?,
    };
    Ok(rows
        .into_iter()
        .map(|user| {
            let is_visible = visible.contains(&user.id);
            (user.id, UserWithVisibility { user, is_visible })
        })
        .collect())
}

/// Reads users by id, without a statement for those in memory.
async fn read(app: &App, ids: &[i64]) -> Result<Vec<Arc<user::Model>>> {
    let generation = app.identities.generation();
    let mut rows = Vec::with_capacity(ids.len());
    let mut missing = Vec::new();
    for id in ids {
        match app.identities.user(*id) {
            Some(user) => rows.push(user),
            None => missing.push(*id),
        }
    }
    if missing.is_empty() {
        return Ok(rows);
    }
    let read = user::Entity::find()
        .filter(is_any(app.db.backend(), Column::Id, missing))
        .all(app.db.reader())
        .await?;
    for user in &read {
        app.identities.keep_user(generation, user);
    }
    rows.extend(read.into_iter().map(Arc::new));
    Ok(rows)
}

/// Reads which of these users exist and are visible to the actor.
pub async fn visible_ids(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashSet<i64>> {
    // Skips the query for the actor's own id, which is always visible.
    if ids.iter().all(|id| *id == actor.id()) {
        return Ok(ids.iter().copied().collect());
    }
    let ids: Vec<i64> = access::visible_users(actor)
        .select_only()
        .column(Column::Id)
        .filter(is_any(
            db.get_database_backend(),
            Column::Id,
            ids.iter().copied(),
        ))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().collect())
}

/// Reads a page of the matching users whom the actor sees.
pub async fn list(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    page: &Page,
) -> Result<PageRows<user::Model>> {
    let reading = Reading::new(app, access::visible_users(actor), 0);
    page.fetch(
        &reading,
        matching(actor, filter),
        Columns {
            key: Key::Id,
            id: Column::Id,
            descending: false,
        },
    )
    .await
}

/// Counts the matching users whom the actor sees.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(matching(actor, filter)
        .select_only()
        .column(Column::Id)
        .count(app.db.counter())
        .await?)
}
