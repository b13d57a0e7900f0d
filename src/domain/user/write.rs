//! Mutations `createUser`, `updateUser` and `deleteUser`: for admins, except a user's own display name.

use std::collections::HashSet;

use entity::{
    annotation, annotation_draft, api_token, project_member,
    user::{self, Column, Role},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::LockType,
};

use super::{
    New,
    check::{check_display_name, check_email, check_new, check_username},
    create, explain_failed_write,
};
use crate::{
    app::App,
    domain::{
        Patch,
        access::{self, Actor},
        idempotency, not_cleared, task as tasks, token,
    },
    error::{Error, Problem, ProblemCode, Result},
};

/// Change of a user; the e-mail address alone can be cleared.
#[derive(Debug, Default)]
pub struct Change {
    pub username: Patch<String>,
    /// Empty for none.
    pub display_name: Patch<String>,
    pub email: Patch<String>,
    pub role: Patch<Role>,
    pub can_sign_in: Patch<bool>,
}

/// Counts of the rows deleted with a user.
#[derive(Debug)]
pub struct Deleted {
    pub row: user::Model,
    /// Annotations by the user, kept without an author.
    pub annotations: u64,
    pub drafts: u64,
    pub tokens: u64,
}

/// Attempts to lock all tasks while the user annotates further tasks.
const TRIES: usize = 4;

/// Adds a user, for an admin.
pub async fn add(app: &App, actor: &Actor, new: New) -> Result<user::Model> {
    let problems = check_new(&new);
    if !problems.is_empty() {
        return Err(Error::BadInput(in_input(problems)));
    }
    access::require(actor.is_admin(), "users are added by admins")?;
    match create(app, new).await {
        Err(Error::BadInput(problems)) => Err(Error::BadInput(in_input(problems))),
        other => other,
    }
}

/// Updates a user and returns the new row.
pub async fn update(app: &App, actor: &Actor, id: i64, change: Change) -> Result<user::Model> {
    check_input(&change)?;
    let takes_access = change.role.is_sent() || change.can_sign_in.is_sent();
    let txn = app.db.begin().await?;
    let (row, admins) = lock(&txn, actor, id, LockType::NoKeyUpdate).await?;
    // Decides by the fields sent, changed or not: a refusal must not reveal whether a value equals the stored value.
    let for_admins = change.username.is_sent()
        || change.email.is_sent()
        || change.role.is_sent()
        || change.can_sign_in.is_sent();
    access::require(
        actor.is_admin() || (actor.id() == id && !for_admins),
        "you may change your own display name; all else is changed by admins",
    )?;
    let mut changed = row.clone();
    if let Patch::Set(username) = change.username {
        changed.username = username;
    }
    if let Patch::Set(display_name) = change.display_name {
        changed.display_name = display_name;
    }
    match change.email {
        Patch::Set(email) => changed.email = Some(email.to_lowercase()),
        Patch::Null => changed.email = None,
        Patch::Keep => {}
    }
    if let Patch::Set(role) = change.role {
        changed.role = role;
    }
    if let Patch::Set(can_sign_in) = change.can_sign_in {
        changed.can_sign_in = can_sign_in;
    }
    if changed == row {
        txn.rollback().await?;
        if takes_access {
            // Another request may have made the same change just now, and may still wait for the leases.
            app.identities.changed(&app.db).await;
        }
        return Ok(row);
    }
    // Checks under the lock of all admins: two admins could otherwise demote each other at the same time.
    if is_last_admin(&row, &admins) && !is_admin(&changed) {
        let field = match changed.role {
            Role::Admin => "canSignIn",
            Role::Member => "role",
        };
        return Err(last_admin(&["input", field]));
    }
    let mut columns = row.clone().into_active_model();
    columns.username = Set(changed.username.clone());
    columns.display_name = Set(changed.display_name.clone());
    columns.email = Set(changed.email.clone());
    columns.role = Set(changed.role);
    columns.can_sign_in = Set(changed.can_sign_in);
    if let Err(error) = columns.update_without_returning(&txn).await {
        // Ends the transaction first: the explanation reads on a further connection, and would hold the locks meanwhile.
        txn.rollback().await?;
        let (username, email) = (&changed.username, changed.email.as_deref());
        return Err(
            match explain_failed_write(app, error, username, email, Some(id)).await {
                Error::BadInput(problems) => Error::BadInput(in_input(problems)),
                other => other,
            },
        );
    }
    let is_lowered = row.role == Role::Admin && changed.role != Role::Admin;
    if is_lowered || (row.can_sign_in && !changed.can_sign_in) {
        token::commit(app, txn).await?;
        idempotency::lost_by_own(app, actor, id, 1);
        return Ok(changed);
    }
    let committed = txn.commit().await;
    // Other servers show the new names after their next look at the version.
    app.identities.forget();
    committed?;
    Ok(changed)
}

/// Deletes a user with drafts, tokens and memberships, for an admin. Annotations and history stay, without an author
/// (`docs/decisions/0016-deletions.md`).
pub async fn delete(app: &App, actor: &Actor, id: i64) -> Result<Deleted> {
    let deleted = delete_with_work(app, actor, id).await;
    if matches!(deleted, Err(Error::NotFound(_))) && actor.is_admin() {
        // Another request may have deleted the user just now, and may still wait for the leases.
        app.identities.changed(&app.db).await;
    }
    deleted
}

async fn delete_with_work(app: &App, actor: &Actor, id: i64) -> Result<Deleted> {
    for _ in 0..TRIES {
        let txn = app.db.begin().await?;
        let seen = access::visible_users(actor).filter(Column::Id.eq(id));
        seen.one(&*txn).await?.ok_or(Error::NotFound("user"))?;
        access::require(actor.is_admin(), "users are deleted by admins")?;
        // Locks tasks before users, in the same order as writers of annotations (`docs/decisions/0004-locks.md`).
        let locked = lock_tasks(&txn, id).await?;
        let (row, admins) = lock(&txn, actor, id, LockType::Update).await?;
        if !tasks_of(&txn, id).await?.is_subset(&locked) {
            // The user annotated a further task before the lock. Waiting for that task under the user's lock could
            // deadlock, so the transaction starts again.
            txn.rollback().await?;
            continue;
        }
        if is_last_admin(&row, &admins) {
            return Err(last_admin(&["id"]));
        }
        let annotations = annotation::Entity::find()
            .filter(annotation::Column::CompletedById.eq(id))
            .count(&*txn)
            .await?;
        let drafts = annotation_draft::Entity::find()
            .filter(annotation_draft::Column::UserId.eq(id))
            .count(&*txn)
            .await?;
        let tokens = api_token::Entity::find()
            .filter(api_token::Column::UserId.eq(id))
            .count(&*txn)
            .await?;
        let memberships = project_member::Entity::find()
            .filter(project_member::Column::UserId.eq(id))
            .lock(LockType::Update)
            .all(&*txn)
            .await?;
        user::Entity::delete_by_id(id).exec(&txn).await?;
        let locked: Vec<i64> = locked.into_iter().collect();
        // Deleted authors together count as a single author, which can change `is_labeled`.
        tasks::recompute_is_labeled(&txn, &locked).await?;
        token::commit(app, txn).await?;
        // Deletion ends the memberships and the user's sign-in.
        idempotency::lost_by_own(
            app,
            actor,
            id,
            memberships.len() as u64 + u64::from(row.can_sign_in),
        );
        return Ok(Deleted {
            row,
            annotations,
            drafts,
            tokens,
        });
    }
    Err(Error::busy())
}

/// Locks all admins, and the user if visible to the actor, until the transaction ends.
///
/// Admins are locked first, in the order of ids. `FOR NO KEY UPDATE` lets other transactions insert rows that refer
/// to an admin.
async fn lock(
    txn: &DatabaseTransaction,
    actor: &Actor,
    id: i64,
    lock: LockType,
) -> Result<(user::Model, Vec<user::Model>)> {
    let admins = user::Entity::find()
        .filter(Column::Role.eq(Role::Admin))
        .order_by_asc(Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(txn)
        .await?;
    let row = access::visible_users(actor)
        .filter(Column::Id.eq(id))
        .lock(lock)
        .one(txn)
        .await?
        .ok_or(Error::NotFound("user"))?;
    Ok((row, admins))
}

/// Locks the tasks that a user has annotated.
async fn lock_tasks(txn: &DatabaseTransaction, user_id: i64) -> Result<HashSet<i64>> {
    use entity::task::{self, Column};
    let ids: Vec<i64> = task::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.in_subquery(annotated(user_id).into_query()))
        .order_by_asc(Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .all(txn)
        .await?;
    Ok(ids.into_iter().collect())
}

async fn tasks_of(txn: &DatabaseTransaction, user_id: i64) -> Result<HashSet<i64>> {
    let ids: Vec<i64> = annotated(user_id).into_tuple().all(txn).await?;
    Ok(ids.into_iter().collect())
}

fn annotated(user_id: i64) -> sea_orm::Select<annotation::Entity> {
    annotation::Entity::find()
        .select_only()
        .distinct()
        .column(annotation::Column::TaskId)
        .filter(annotation::Column::CompletedById.eq(user_id))
}

fn is_admin(row: &user::Model) -> bool {
    row.role == Role::Admin && row.can_sign_in
}

/// Says whether the server would be left without an admin.
fn is_last_admin(row: &user::Model, admins: &[user::Model]) -> bool {
    let mut others = admins.iter().filter(|admin| admin.id != row.id);
    is_admin(row) && !others.any(is_admin)
}

fn last_admin(path: &[&str]) -> Error {
    let message = "nobody else could administer the server: make another user an admin first";
    Problem::new(path.iter().copied(), ProblemCode::LastAdmin, message).into()
}

/// Collects all problems that need no database.
fn check_input(change: &Change) -> Result<()> {
    let mut problems = Vec::new();
    problems.extend(
        change
            .username
            .value()
            .and_then(|name| check_username(name)),
    );
    problems.extend(change.email.value().and_then(|email| check_email(email)));
    let display_name = change.display_name.value();
    problems.extend(display_name.and_then(|name| check_display_name(name)));
    let mut problems = in_input(problems);
    for (field, is_null) in [
        ("username", change.username.is_null()),
        ("displayName", change.display_name.is_null()),
        ("role", change.role.is_null()),
        ("canSignIn", change.can_sign_in.is_null()),
    ] {
        if is_null {
            problems.push(not_cleared(&["input", field]));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

/// Moves the paths of problems below `input`.
fn in_input(problems: Vec<Problem>) -> Vec<Problem> {
    let inward = |mut problem: Problem| {
        problem.path.insert(0, "input".into());
        problem
    };
    problems.into_iter().map(inward).collect()
}
