//! Memberships of projects.

use std::collections::HashMap;

use entity::{
    project_member::{self, Role},
    user,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockType, OnConflict},
};

use super::lock;
use crate::{
    app::App,
    db::is_any,
    domain::{
        access::{self, Actor},
        idempotency,
    },
    error::{Problem, ProblemCode, Result},
    instant,
};

/// Reads the members of several projects, in the order in which they joined.
pub async fn members(
    app: &App,
    actor: &Actor,
    project_ids: &[i64],
) -> Result<HashMap<i64, Vec<project_member::Model>>> {
    let rows = access::visible_members(actor)
        .filter(is_any(
            app.db.backend(),
            project_member::Column::ProjectId,
            project_ids.iter().copied(),
        ))
        .order_by_asc(project_member::Column::CreatedAt)
        .order_by_asc(project_member::Column::UserId)
        .all(app.db.reader())
        .await?;
    let mut by_project: HashMap<i64, Vec<_>> = project_ids.iter().map(|id| (*id, vec![])).collect();
    for row in rows {
        by_project.entry(row.project_id).or_default().push(row);
    }
    Ok(by_project)
}

/// Reads the actor's role in several projects.
pub async fn own_roles(
    app: &App,
    actor: &Actor,
    project_ids: &[i64],
) -> Result<HashMap<i64, Role>> {
    if actor.is_admin() {
        return Ok(project_ids.iter().map(|id| (*id, Role::Manager)).collect());
    }
    let rows = project_member::Entity::find()
        .filter(project_member::Column::UserId.eq(actor.id()))
        .filter(is_any(
            app.db.backend(),
            project_member::Column::ProjectId,
            project_ids.iter().copied(),
        ))
        .all(app.db.reader())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.project_id, row.role))
        .collect())
}

/// Adds a user to a project, or changes a member's role.
pub async fn add_member(
    app: &App,
    actor: &Actor,
    project_id: i64,
    user_id: i64,
    role: Role,
) -> Result<project_member::Model> {
    let txn = app.db.begin().await?;
    // Keeps the user from deletion. Locks users before projects, in the same order as the deletion of a user.
    let user = access::visible_users(actor)
        .filter(user::Column::Id.eq(user_id))
        .lock(LockType::KeyShare)
        .one(&*txn)
        .await?;
    let otherwise = "members are added by managers";
    lock(&txn, actor, project_id, LockType::NoKeyUpdate, otherwise).await?;
    // Reports an unknown user only after the manager's role is checked: strangers must not probe for ids.
    if user.is_none() {
        return Err(Problem::new(
            ["userId"],
            ProblemCode::UnknownId,
            "there is no such user, or you may not see them",
        )
        .into());
    }
    let before = project_member::Entity::find()
        .filter(membership(project_id, user_id))
        .lock(LockType::Update)
        .one(&*txn)
        .await?;
    let member = put_member(&txn, project_id, user_id, role).await?;
    txn.commit().await?;
    // A manager who lowers their own role may lose the right to see the recorded answer.
    if before.is_some_and(|before| role < before.role) {
        idempotency::lost_by_own(app, actor, user_id, 1);
    }
    Ok(member)
}

/// Ends a membership and returns the former row.
pub async fn remove_member(
    app: &App,
    actor: &Actor,
    project_id: i64,
    user_id: i64,
) -> Result<project_member::Model> {
    let txn = app.db.begin().await?;
    let otherwise = "members are removed by managers";
    lock(&txn, actor, project_id, LockType::NoKeyUpdate, otherwise).await?;
    let member = project_member::Entity::find()
        .filter(membership(project_id, user_id))
        .one(&txn)
        .await?
        .ok_or_else(|| {
            Problem::new(
                ["userId"],
                ProblemCode::UnknownId,
                "the project has no such member",
            )
        })?;
    let deleted = project_member::Entity::delete_by_id(member.id)
        .exec(&txn)
        .await?;
    txn.commit().await?;
    idempotency::lost_by_own(app, actor, user_id, deleted.rows_affected);
    Ok(member)
}

/// Matches the membership of a user in a project.
pub fn membership(project_id: i64, user_id: i64) -> Condition {
    Condition::all()
        .add(project_member::Column::ProjectId.eq(project_id))
        .add(project_member::Column::UserId.eq(user_id))
}

/// Inserts a membership or updates its role, without an access check.
pub async fn put_member(
    db: &impl ConnectionTrait,
    project_id: i64,
    user_id: i64,
    role: Role,
) -> Result<project_member::Model> {
    let member = project_member::ActiveModel {
        project_id: Set(project_id),
        user_id: Set(user_id),
        role: Set(role),
        created_at: Set(instant::now()),
        ..Default::default()
    };
    Ok(project_member::Entity::insert(member)
        // An upsert is atomic: two concurrent requests can't insert the same membership twice.
        .on_conflict(
            OnConflict::columns([
                project_member::Column::ProjectId,
                project_member::Column::UserId,
            ])
            .update_column(project_member::Column::Role)
            .to_owned(),
        )
        .exec_with_returning(db)
        .await?)
}
