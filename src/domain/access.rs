//! Access rules: which rows an actor sees, and which actions a role allows.
//!
//! Reads start from a `visible_*` select. Rows outside the select are NOT_FOUND to the actor; an action that the role
//! does not allow on a visible row is FORBIDDEN (`docs/decisions/0005-visibility.md`).

mod write;

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

pub use self::write::{AnnotationAccess, AnnotationWrite, check_write};
use crate::{
    db::is_any,
    error::{Error, Result},
    events::Batch,
};

/// Signed-in user of a request.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: user::Model,
    /// API token of the request.
    pub token_id: i64,
    /// Expiry of the API token, or `None` for a token that never expires.
    pub token_expires_at: Option<DateTime<Utc>>,
}

impl Actor {
    /// Id of the signed-in user.
    pub fn id(&self) -> i64 {
        self.user.id
    }

    /// Says whether the user is an admin, who is a manager of every project.
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

/// Predictions in the actor's projects; for an admin, all. For selects of given predictions or tasks.
pub fn visible_predictions(actor: &Actor) -> Select<prediction::Entity> {
    given_in_own_projects(actor, prediction::Column::ProjectId)
}

/// Revisions of annotations in the actor's projects; for an admin, all.
pub fn visible_revisions(actor: &Actor) -> Select<annotation_revision::Entity> {
    in_own_projects(actor, annotation_revision::Column::ProjectId)
}

/// Events, joined with their revisions, whose annotation is in the actor's projects after the change or was there
/// before; for an admin, all.
pub fn visible_events(actor: &Actor) -> Select<event::Entity> {
    let select = every_event();
    if actor.is_admin() {
        return select;
    }
    use annotation_revision::Column::{FromProjectId, ProjectId};
    // A move out of the actor's projects stays visible as a deletion, hence the project that was left counts too.
    select.filter(
        Condition::any()
            .add(ProjectId.in_subquery(own_projects(actor)))
            .add(FromProjectId.in_subquery(own_projects(actor))),
    )
}

/// All events, without a check of visibility. A shared read serves many viewers; [`sees_project`] and [`sees_user`]
/// then decide for each viewer.
pub fn every_event() -> Select<event::Entity> {
    let revision = event::Entity::belongs_to(annotation_revision::Entity)
        .from(event::Column::RevisionId)
        .to(annotation_revision::Column::Id);
    event::Entity::find()
        .select_only()
        .join(JoinType::InnerJoin, revision.into())
}

/// Says whether a viewer sees a project of a batch of events: [`visible_projects`] as of the batch's read.
pub fn sees_project(batch: &Batch, viewer_id: i64, project_id: i64) -> bool {
    let members = batch.members.get(&project_id);
    batch.admins.contains(&viewer_id) || members.is_some_and(|ids| ids.contains(&viewer_id))
}

/// Says whether a viewer sees a user of a batch of events: [`visible_users`] as of the batch's read.
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
    // The author's own drafts too require a present membership: leaving a project ends access to the drafts in it.
    select
        .filter(annotation_draft::Column::TaskId.in_subquery(tasks(own_projects(actor))))
        .filter(
            Condition::any()
                .add(annotation_draft::Column::UserId.eq(actor.id()))
                .add(annotation_draft::Column::TaskId.in_subquery(tasks(managed))),
        )
}

/// Reviews given in the actor's projects, even when the annotation has moved since; for an admin, all. For selects of
/// given annotations.
pub fn visible_reviews(actor: &Actor) -> Select<annotation_review::Entity> {
    given_in_own_projects(actor, annotation_review::Column::ProjectId)
}

/// The actor and all members of the actor's projects; for an admin, all users.
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

/// Reads the actor's role in a project, or `None` unless the actor sees the project. An admin is a manager everywhere.
pub async fn role_in(
    db: &impl ConnectionTrait,
    actor: &Actor,
    project_id: i64,
) -> Result<Option<Role>> {
    Ok(roles_in(db, actor, &[project_id])
        .await?
        .remove(&project_id))
}

/// The actor's role in a project with this membership, or `None` without. An admin is a manager everywhere.
pub fn role_of(actor: &Actor, membership: Option<Role>) -> Option<Role> {
    match actor.is_admin() {
        true => Some(Role::Manager),
        false => membership,
    }
}

/// Reads the actor's roles in several projects, without the projects that the actor does not see. An admin is a
/// manager everywhere.
pub async fn roles_in(
    db: &impl ConnectionTrait,
    actor: &Actor,
    project_ids: &[i64],
) -> Result<HashMap<i64, Role>> {
    use project_member::Column::{ProjectId, Role as RoleColumn, UserId};
    if let Some(everywhere) = role_of(actor, None) {
        let all = project_ids.iter().map(|id| (*id, everywhere));
        return Ok(all.collect());
    }
    let roles: Vec<(i64, Role)> = project_member::Entity::find()
        .select_only()
        .columns([ProjectId, RoleColumn])
        .filter(UserId.eq(actor.id()))
        .filter(is_any(
            db.get_database_backend(),
            ProjectId,
            project_ids.iter().copied(),
        ))
        .into_tuple()
        .all(db)
        .await?;
    Ok(roles.into_iter().collect())
}

/// Allows writing annotations as their author.
pub fn may_annotate(role: Role) -> bool {
    // `Role` orders its variants by rights: a higher role includes the rights of all lower roles.
    role >= Role::Annotator
}

/// Allows changing an annotation's result and flags: to the author, and to reviewers.
pub fn may_edit(actor: &Actor, role: Role, annotation: &annotation::Model) -> bool {
    may_edit_of(actor, role, annotation.completed_by_id)
}

/// [`may_edit`] for an annotation by its author, who may be gone.
pub fn may_edit_of(actor: &Actor, role: Role, author_id: Option<i64>) -> bool {
    role >= Role::Reviewer || (may_annotate(role) && author_id == Some(actor.id()))
}

/// Allows deleting an annotation, and restoring a deleted annotation: to the author, and to managers.
pub fn may_delete(actor: &Actor, role: Role, annotation: &annotation::Model) -> bool {
    may_manage(role) || (may_annotate(role) && is_own(actor, annotation))
}

/// Allows turning a draft into an annotation or a change of an annotation: to the draft's author. Discarding a draft
/// requires no more than to see the draft.
pub fn may_submit(actor: &Actor, author_id: i64) -> bool {
    author_id == actor.id()
}

/// Allows judging annotations, including the reviewer's own.
pub fn may_review(role: Role) -> bool {
    role >= Role::Reviewer
}

/// Allows declaring an annotation the task's ground truth.
pub fn may_set_ground_truth(role: Role) -> bool {
    role >= Role::Reviewer
}

/// Allows changing tasks, config, predictions, authorship and members, and imports and exports.
pub fn may_manage(role: Role) -> bool {
    role >= Role::Manager
}

/// Says whether e-mail address and tokens of a user are open to the actor: own data, and for an admin everybody's.
pub fn is_self_or_admin(actor: &Actor, user_id: i64) -> bool {
    actor.is_admin() || actor.id() == user_id
}

/// Refuses with FORBIDDEN and the given message unless the rule allows the action.
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
    // The column carries the table's name: joined selects have a `project_id` in several tables.
    select.filter(Expr::col((E::default(), project_id)).in_subquery(own_projects(actor)))
}

/// [`in_own_projects`] of a select that also names rows or their parents.
fn given_in_own_projects<E: EntityTrait>(actor: &Actor, project_id: E::Column) -> Select<E> {
    let select = E::find();
    if actor.is_admin() {
        return select;
    }
    // Adding 0 hides the column from the index on projects, through which SQLite would read all rows of the actor's
    // projects when a page names some dozens of parents.
    let hidden = Expr::col((E::default(), project_id)).add(0);
    select.filter(hidden.in_subquery(own_projects(actor)))
}

fn own_projects(actor: &Actor) -> SelectStatement {
    project_member::Entity::find()
        .select_only()
        .column(project_member::Column::ProjectId)
        .filter(project_member::Column::UserId.eq(actor.id()))
        .into_query()
}
