//! Membership commands of the command line, without access checks: an operator with access to the database is
//! trusted.

use entity::{
    project,
    project_member::{self, Role},
    user,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::member::{membership, put_member};
use crate::{
    app::App,
    error::{Error, Result},
};

/// Adds a user to a project, or changes a member's role.
pub async fn add_member(
    app: &App,
    project_id: i64,
    user_id: i64,
    role: Role,
) -> Result<project_member::Model> {
    let txn = app.db.begin().await?;
    project::Entity::find_by_id(project_id)
        .one(&txn)
        .await?
        .ok_or(Error::NotFound("project"))?;
    let member = put_member(&txn, project_id, user_id, role).await?;
    txn.commit().await?;
    Ok(member)
}

/// Ends a membership.
pub async fn remove_member(app: &App, project_id: i64, user_id: i64) -> Result<()> {
    let txn = app.db.begin().await?;
    let deleted = project_member::Entity::delete_many()
        .filter(membership(project_id, user_id))
        .exec(&*txn)
        .await?;
    txn.commit().await?;
    if deleted.rows_affected == 0 {
        return Err(Error::NotFound("member of this project"));
    }
    Ok(())
}

/// Reads a project's members, in the order in which they joined.
pub async fn members(
    app: &App,
    project_id: i64,
) -> Result<Vec<(project_member::Model, Option<user::Model>)>> {
    Ok(project_member::Entity::find()
        .filter(project_member::Column::ProjectId.eq(project_id))
        .find_also_related(user::Entity)
        .order_by_asc(project_member::Column::CreatedAt)
        .all(app.db.reader())
        .await?)
}
