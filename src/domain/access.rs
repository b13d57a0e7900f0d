//! Every rule of who may: what an actor sees, and what a role allows.
//!
//! Reads start from one of the `visible_*` selects. What they leave out is NOT_FOUND to the actor; what
//! they show but the role does not allow is FORBIDDEN.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    annotation, annotation_draft, annotation_review, annotation_revision, event, prediction,
    project,
    project_member::{self, Role},
    task, user,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect,
    QueryTrait, Select,
    sea_query::{Expr, ExprTrait, SelectStatement},
};

use crate::{
    error::{Error, Result},
    events::Batch,
};

/// Whoever is signed in.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: user::Model,
    /// The API token that signed them in.
    pub token_id: i64,
    /// Expiry of that token; `None` for a token without one.
    pub token_expires_at: Option<DateTime<Utc>>,
}

impl Actor {
    pub fn id(&self) -> i64 {
        self.user.id
    }

    pub fn is_admin(&self) -> bool {
        self.user.role == user::Role::Admin
    }
}

/// Annotations of the actor's projects; for an admin, all.
pub fn visible_annotations(actor: &Actor) -> Select<annotation::Entity> {
    in_own_projects(actor, annotation::Column::ProjectId)
}

/// Tasks of the actor's projects; for an admin, all.
pub fn visible_tasks(actor: &Actor) -> Select<task::Entity> {
    in_own_projects(actor, task::Column::ProjectId)
}

/// Predictions in the actor's projects; for an admin, all.
pub fn visible_predictions(actor: &Actor) -> Select<prediction::Entity> {
    in_own_projects(actor, prediction::Column::ProjectId)
}

/// Revisions of annotations in the actor's projects; for an admin, all.
pub fn visible_revisions(actor: &Actor) -> Select<annotation_revision::Entity> {
    in_own_projects(actor, annotation_revision::Column::ProjectId)
}

/// Events, joined with their revisions, of annotations that are in the actor's projects or were before the
/// event; for an admin, all.
pub fn visible_events(actor: &Actor) -> Select<event::Entity> {
    let select = every_event();
    if actor.is_admin() {
        return select;
    }
    use annotation_revision::Column::{FromProjectId, ProjectId};
    select.filter(
        Condition::any()
            .add(ProjectId.in_subquery(own_projects(actor)))
            .add(FromProjectId.in_subquery(own_projects(actor))),
    )
}

/// All events, for one reading on behalf of many: what each of them sees is asked of [`sees_project`] and
/// [`sees_user`] then.
pub fn every_event() -> Select<event::Entity> {
    let revision = event::Entity::belongs_to(annotation_revision::Entity)
        .from(event::Column::RevisionId)
        .to(annotation_revision::Column::Id);
    event::Entity::find()
        .select_only()
        .join(JoinType::InnerJoin, revision.into())
}

/// [`visible_projects`] for a project that a batch of events is about, as of its reading.
pub fn sees_project(batch: &Batch, viewer_id: i64, project_id: i64) -> bool {
    let members = batch.members.get(&project_id);
    batch.admins.contains(&viewer_id) || members.is_some_and(|ids| ids.contains(&viewer_id))
}

/// [`visible_users`] for an actor of a batch of events, as of its reading.
pub fn sees_user(batch: &Batch, viewer_id: i64, user_id: i64) -> bool {
    let mut projects = batch.members.values();
    batch.admins.contains(&viewer_id)
        || viewer_id == user_id
        || projects.any(|ids| ids.contains(&viewer_id) && ids.contains(&user_id))
}

/// The actor's projects; for an admin, all.
pub fn visible_projects(actor: &Actor) -> Select<project::Entity> {
    in_own_projects(actor, project::Column::Id)
}

/// Memberships in the actor's projects; for an admin, all.
pub fn visible_members(actor: &Actor) -> Select<project_member::Entity> {
    in_own_projects(actor, project_member::Column::ProjectId)
}

/// The actor's own drafts, and every draft in projects that the actor manages; for an admin, all.
pub fn visible_drafts(actor: &Actor) -> Select<annotation_draft::Entity> {
    let select = annotation_draft::Entity::find();
    if actor.is_admin() {
        return select;
    }
    let managed = project_member::Entity::find()
        .select_only()
        .column(project_member::Column::ProjectId)
        .filter(project_member::Column::UserId.eq(actor.id()))
        .filter(project_member::Column::Role.eq(Role::Manager))
        .into_query();
    let tasks = |projects: SelectStatement| {
        task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .filter(task::Column::ProjectId.in_subquery(projects))
            .into_query()
    };
    select
        .filter(annotation_draft::Column::TaskId.in_subquery(tasks(own_projects(actor))))
        .filter(
            Condition::any()
                .add(annotation_draft::Column::UserId.eq(actor.id()))
                .add(annotation_draft::Column::TaskId.in_subquery(tasks(managed))),
        )
}

/// Reviews that were given in the actor's projects, wherever the annotation is by now; for an admin, all.
pub fn visible_reviews(actor: &Actor) -> Select<annotation_review::Entity> {
    in_own_projects(actor, annotation_review::Column::ProjectId)
}

/// The actor, and everybody who shares a project with them; for an admin, all.
pub fn visible_users(actor: &Actor) -> Select<user::Entity> {
    let select = user::Entity::find();
    if actor.is_admin() {
        return select;
    }
    let companions = project_member::Entity::find()
        .select_only()
        .column(project_member::Column::UserId)
        .filter(project_member::Column::ProjectId.in_subquery(own_projects(actor)))
        .into_query();
    select.filter(
        Condition::any()
            .add(user::Column::Id.eq(actor.id()))
            .add(user::Column::Id.in_subquery(companions)),
    )
}

/// The actor's role in a project that they see. An admin is a manager everywhere.
pub async fn role_in(
    db: &impl ConnectionTrait,
    actor: &Actor,
    project_id: i64,
) -> Result<Option<Role>> {
    Ok(roles_in(db, actor, &[project_id])
        .await?
        .remove(&project_id))
}

/// The actor's roles in those of several projects that they see. An admin is a manager everywhere.
pub async fn roles_in(
    db: &impl ConnectionTrait,
    actor: &Actor,
    project_ids: &[i64],
) -> Result<HashMap<i64, Role>> {
    use project_member::Column::{ProjectId, Role as RoleColumn, UserId};
    if actor.is_admin() {
        let all = project_ids.iter().map(|id| (*id, Role::Manager));
        return Ok(all.collect());
    }
    let roles: Vec<(i64, Role)> = project_member::Entity::find()
        .select_only()
        .columns([ProjectId, RoleColumn])
        .filter(UserId.eq(actor.id()))
        .filter(ProjectId.is_in(project_ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(roles.into_iter().collect())
}

/// The actor may write annotations of their own.
pub fn may_annotate(role: Role) -> bool {
    role >= Role::Annotator
}

/// The actor may change this annotation's result and flags: their own, or as a reviewer anybody's.
pub fn may_edit(actor: &Actor, role: Role, annotation: &annotation::Model) -> bool {
    role >= Role::Reviewer || (may_annotate(role) && is_own(actor, annotation))
}

/// The actor may delete this annotation, and restore it once it is deleted: their own, or as a manager
/// anybody's.
pub fn may_delete(actor: &Actor, role: Role, annotation: &annotation::Model) -> bool {
    may_manage(role) || (may_annotate(role) && is_own(actor, annotation))
}

/// The actor may make an annotation, or a change of one, of this draft. To discard one it is enough to see it.
pub fn may_submit(actor: &Actor, draft: &annotation_draft::Model) -> bool {
    draft.user_id == actor.id()
}

/// The actor may judge annotations, their own too.
pub fn may_review(role: Role) -> bool {
    role >= Role::Reviewer
}

/// The actor may declare an annotation the task's ground truth.
pub fn may_set_ground_truth(role: Role) -> bool {
    role >= Role::Reviewer
}

/// The actor may change tasks, config, predictions, authorship and members, import and export.
pub fn may_manage(role: Role) -> bool {
    role >= Role::Manager
}

/// FORBIDDEN with this sentence unless the rule allows it.
pub fn require(allowed: bool, otherwise: &'static str) -> Result<()> {
    if allowed {
        Ok(())
    } else {
        Err(Error::Forbidden(otherwise))
    }
}

fn is_own(actor: &Actor, annotation: &annotation::Model) -> bool {
    annotation.completed_by_id == Some(actor.id())
}

fn in_own_projects<E: EntityTrait>(actor: &Actor, project_id: E::Column) -> Select<E> {
    let select = E::find();
    if actor.is_admin() {
        return select;
    }
    select.filter(Expr::col((E::default(), project_id)).in_subquery(own_projects(actor)))
}

fn own_projects(actor: &Actor) -> SelectStatement {
    project_member::Entity::find()
        .select_only()
        .column(project_member::Column::ProjectId)
        .filter(project_member::Column::UserId.eq(actor.id()))
        .into_query()
}
