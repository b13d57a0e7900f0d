//! Projects and their members.

pub mod admin;
mod config_impact;
mod delete;
mod filter;
mod member;
mod update;

use std::collections::{HashMap, HashSet};

use entity::{
    project::{self, CheckMode, Column},
    project_member::Role,
};
use label_studio::config::{self, Config};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    PaginatorTrait, QueryFilter, QuerySelect, sea_query::LockType,
};

use super::{
    access::{self, Actor},
    labelling,
    large::{Large, Reading},
    page::{Columns, Key, OrderKey, Ordering, Page, PageRows},
};
use crate::{
    app::App,
    db::is_any,
    error::{Error, Problem, ProblemCode, Result},
    instant,
};

use self::filter::matching;
use self::member::put_member;
pub use self::{
    delete::{Deleted, delete},
    filter::{Filter, Leaves},
    member::{add_member, members, own_roles, remove_member},
    update::{Change, update},
};

/// Longest title, in characters.
pub const MAX_TITLE: usize = 255;
/// Longest description and labelling config, in bytes.
pub const MAX_TEXT: usize = config::MAX_BYTES;

impl Large for project::Entity {
    const ID: Column = Column::Id;
    const LARGE: &'static [Column] = &[Column::Description, Column::LabelConfig];
}

/// Selection of a list besides the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub filter: Filter,
    pub order: Ordering,
    /// Number of times that the answer holds a row's description and labelling config; with zero these texts stay
    /// empty.
    pub texts: u64,
}

/// Values of a new project.
#[derive(Clone, Debug, Default)]
pub struct New {
    pub title: String,
    pub description: String,
    /// Label Studio's labelling config, XML (<https://labelstud.io/guide/setup.html>).
    pub label_config: String,
    pub check_mode: CheckMode,
}

/// Reads visible projects by id.
pub async fn by_ids(
    app: &App,
    actor: &Actor,
    ids: &[i64],
    times: u64,
) -> Result<HashMap<i64, Result<project::Model>>> {
    let visible = access::visible_projects(actor);
    let reading = Reading::new(app, visible.clone(), times);
    let named = visible.filter(is_any(app.db.backend(), Column::Id, ids.iter().copied()));
    reading.few(named, ids.len(), |row| row.id).await
}

/// Says whether the actor sees the project, and keeps a visible project from deletion until the transaction ends.
pub async fn is_visible(db: &impl ConnectionTrait, actor: &Actor, id: i64) -> Result<bool> {
    Ok(visible_ids(db, actor, &[id]).await?.contains(&id))
}

/// Reads which of these projects exist and are visible to the actor.
pub async fn visible_ids(
    db: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[i64],
) -> Result<HashSet<i64>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<i64> = access::visible_projects(actor)
        .select_only()
        .column(Column::Id)
        .filter(is_any(
            db.get_database_backend(),
            Column::Id,
            ids.iter().copied(),
        ))
        // `FOR KEY SHARE` blocks deletion, yet not an update of other columns:
        // https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
        .lock(LockType::KeyShare)
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

/// Reads a page of the matching projects that the actor sees.
pub async fn list(
    app: &App,
    actor: &Actor,
    query: &Query,
    page: &Page,
) -> Result<PageRows<project::Model>> {
    let columns = Columns {
        key: match query.order.key {
            OrderKey::Id => Key::Id,
            OrderKey::CreatedAt => Key::Instant(Column::CreatedAt),
            OrderKey::UpdatedAt => Key::Instant(Column::UpdatedAt),
        },
        id: Column::Id,
        descending: query.order.descending,
    };
    let reading = Reading::new(app, access::visible_projects(actor), query.texts);
    page.fetch(&reading, matching(actor, &query.filter), columns)
        .await
}

/// Counts the matching projects that the actor sees.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(matching(actor, filter)
        .select_only()
        .column(Column::Id)
        .count(app.db.counter())
        .await?)
}

/// Creates a project. Open to all users; the creator becomes the first manager.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<project::Model> {
    // Checks before the transaction: parsing a large config must not hold the write lock.
    check_new(&new).await?;
    let txn = app.db.begin().await?;
    let row = insert(&txn, new, Some(actor.id())).await?;
    txn.commit().await?;
    Ok(row)
}

pub(super) async fn check_new(new: &New) -> Result<()> {
    let mut problems = Vec::new();
    problems.extend(check_title(&new.title));
    problems.extend(check_text(&new.description, "description"));
    problems.extend(check_config(&new.label_config).await?);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

/// Inserts a checked project, with the creator as the first manager.
pub(super) async fn insert(
    txn: &DatabaseTransaction,
    new: New,
    created_by_id: Option<i64>,
) -> Result<project::Model> {
    let at = instant::now();
    let row = project::ActiveModel {
        title: Set(new.title),
        description: Set(new.description),
        label_config: Set(new.label_config),
        config_version: Set(1),
        check_mode: Set(new.check_mode),
        created_by_id: Set(created_by_id),
        created_at: Set(at),
        updated_at: Set(at),
        ..Default::default()
    }
    .insert(txn)
    .await?;
    if let Some(id) = created_by_id {
        put_member(txn, row.id, id, Role::Manager).await?;
    }
    Ok(row)
}

/// Reads a project that the actor manages, and locks the row until the transaction ends.
async fn lock(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: i64,
    strength: LockType,
    otherwise: &'static str,
) -> Result<project::Model> {
    let row = access::visible_projects(actor)
        .filter(Column::Id.eq(id))
        .lock(strength)
        .one(txn)
        .await?
        .ok_or(Error::NotFound("project"))?;
    // Reads the role after the lock: a membership that ended meanwhile must not count.
    let role = access::role_in(txn, actor, id)
        .await?
        .ok_or(Error::NotFound("project"))?;
    access::require(access::may_manage(role), otherwise)?;
    Ok(row)
}

fn check_title(title: &str) -> Option<Problem> {
    let at = ["input", "title"];
    if title.trim().is_empty() {
        return Some(Problem::new(
            at,
            ProblemCode::InvalidFormat,
            "a project needs a title",
        ));
    }
    if title.chars().count() > MAX_TITLE {
        return Some(Problem::new(
            at,
            ProblemCode::TooLong,
            format!("a title has at most {MAX_TITLE} characters"),
        ));
    }
    check_text(title, "title")
}

/// Collects all problems of a labelling config. An empty text stands for a project without a config.
async fn check_config(text: &str) -> Result<Vec<Problem>> {
    let field = "labelConfig";
    if let Some(problem) = check_text(text, field) {
        return Ok(vec![problem]);
    }
    if text.is_empty() {
        return Ok(Vec::new());
    }
    labelling::charge_reading(text).await;
    let read = Config::parse(text).err();
    let problems = read.into_iter().flatten().map(|fault| {
        Problem::new(["input", field], ProblemCode::InvalidConfig, fault.message)
            .in_text(fault.location)
    });
    Ok(problems.collect())
}

fn check_text(text: &str, field: &str) -> Option<Problem> {
    if text.contains('\0') {
        return Some(Problem::new(
            ["input", field],
            ProblemCode::InvalidText,
            "a text can't hold the character U+0000",
        ));
    }
    (text.len() > MAX_TEXT).then(|| {
        Problem::new(
            ["input", field],
            ProblemCode::TooLong,
            format!("this text has at most {MAX_TEXT} bytes"),
        )
    })
}
