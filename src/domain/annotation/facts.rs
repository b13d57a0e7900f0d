//! Facts: rows that decisions on commands depend on, read in a fixed number of statements for all commands.

mod restore;
mod rows;
mod validation;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::{annotation, project_member::Role, task};
use label_studio::config::Config;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

pub use self::restore::{PastState, RestoreFacts};
pub use self::rows::used_unique_ids;
use self::validation::ValidationContexts;
use super::{
    conflict::{self, BaseVersion, StaleWrite, users_of},
    pending::{
        Pending, PendingCreate, PendingDelete, PendingRevert, PendingUndelete, PendingUpdate,
    },
    result_validation::{self, ValidationContext},
};
use crate::{
    app::{App, compute, memory::Lease},
    domain::{
        Patch,
        access::{self, Actor},
        labelling::Labelling,
        project, user,
    },
    error::Result,
};

/// Ground truths of tasks, by task.
pub type GroundTruthByTask = HashMap<i64, annotation::Model>;

/// Facts for the commands of a chunk.
#[derive(Default)]
pub struct Facts {
    /// Roles by user and project.
    roles: HashMap<(i64, i64), Role>,
    /// Users visible to the actor.
    pub visible_users: HashSet<i64>,
    /// Projects visible to the actor.
    pub visible_projects: HashSet<i64>,
    contexts: ValidationContexts,
    base_versions: HashMap<i64, BaseVersion>,
    /// Tasks of visible predictions, by prediction.
    pub prediction_tasks: HashMap<i64, i64>,
    /// Tasks of visible annotations, by annotation.
    pub annotation_tasks: HashMap<i64, i64>,
    /// Existing parents of deleted annotations.
    pub existing_predictions: HashSet<i64>,
    pub existing_annotations: HashSet<i64>,
    pub used_unique_ids: HashSet<Uuid>,
    restores: HashMap<i64, RestoreFacts>,
    /// Annotations whose conversion to a draft would delete or replace a draft of the actor's.
    pub drafts_at_risk: HashSet<i64>,
    /// Memory of the results above, and of the ground truths. The driver leases the locked results.
    _leases: Vec<Lease>,
}

impl Facts {
    /// Reads the facts that the commands need, and the current ground truths of tasks that get a new ground truth. Each
    /// kind of fact costs a statement, and no statement when no command needs the fact.
    pub async fn read(
        app: &App,
        txn: &DatabaseTransaction,
        actor: &Actor,
        pendings: &[Pending],
    ) -> Result<(Self, GroundTruthByTask)> {
        // Restorations first: their past states determine which further facts are needed.
        let (restores, restored) = restore::read(app, txn, actor, pendings).await?;
        let mut needs = Needs::default();
        for pending in pendings {
            needs.add(pending, &restores);
        }
        let contexts = ValidationContexts::read(app, txn, &needs.validated).await?;
        let (base_versions, bases) = conflict::base_versions(app, txn, actor, &needs.stale).await?;
        let base_bytes: usize = base_versions.values().map(BaseVersion::bytes).sum();
        // Comparing large results takes time: the charge moves the operation to a worker.
        compute::charge(needs.stored_bytes + base_bytes).await;
        let ground_truths = rows::ground_truths(txn, &needs.ground_truths).await?;
        let bytes: usize = ground_truths.values().map(|row| row.result.len()).sum();
        // Leased after the read: asking for the sizes first would cost a statement.
        let leases = vec![restored, bases, app.memory.lease(bytes as u64)?];
        let roles = access::roles_in(txn, actor, &needs.roles).await?;
        let roles = roles.into_iter();
        let facts = Self {
            roles: roles.map(|(id, role)| ((actor.id(), id), role)).collect(),
            visible_users: user::visible_ids(txn, actor, &needs.users).await?,
            visible_projects: project::visible_ids(txn, actor, &needs.projects).await?,
            contexts,
            base_versions,
            prediction_tasks: rows::prediction_tasks(txn, actor, &needs.predictions).await?,
            annotation_tasks: rows::annotation_tasks(txn, actor, &needs.annotations).await?,
            existing_predictions: rows::predictions(txn, &needs.former_predictions).await?,
            existing_annotations: rows::annotations(txn, &needs.former_annotations).await?,
            used_unique_ids: rows::used_unique_ids(txn, &needs.unique_ids).await?,
            drafts_at_risk: rows::drafts_at_risk(txn, actor, &needs.converted).await?,
            restores,
            _leases: leases,
        };
        Ok((facts, ground_truths))
    }

    /// Facts for changes of results, flags and lead times, which depend on roles and labelling configs alone. Roles are
    /// by user and project, labellings by project.
    pub fn of_changes(
        roles: HashMap<(i64, i64), Role>,
        labellings: HashMap<i64, Labelling>,
    ) -> Self {
        Self {
            roles,
            contexts: ValidationContexts::new(labellings),
            ..Self::default()
        }
    }

    /// The actor's role in a project, or `None` when the actor doesn't see the project.
    pub fn role(&self, actor: &Actor, project_id: i64) -> Option<Role> {
        self.roles.get(&(actor.id(), project_id)).copied()
    }

    /// Returns the rules for the results of a task.
    pub fn context(&self, task: &task::Model) -> ValidationContext<'_> {
        self.contexts.of(task)
    }

    /// Returns the labelling configs of all projects in which results change, by project.
    pub fn configs(&self) -> HashMap<i64, Arc<Config>> {
        self.contexts.configs.clone()
    }

    /// Returns the base version of a stale write, or nothing for a write to the current version.
    pub fn base_version(&self, pending: &PendingUpdate) -> Option<&BaseVersion> {
        pending.stale_version()?;
        self.base_versions.get(&pending.locked.annotation.id)
    }

    /// Returns the facts about the restoration of an annotation.
    pub fn restore(&self, annotation_id: i64) -> Option<&RestoreFacts> {
        self.restores.get(&annotation_id)
    }
}

/// Ids of rows that commands need facts about.
#[derive(Default)]
struct Needs<'a> {
    /// Projects in which the actor's role counts.
    roles: Vec<i64>,
    users: Vec<i64>,
    projects: Vec<i64>,
    /// Tasks whose config decides on a result.
    validated: Vec<&'a task::Model>,
    stale: Vec<StaleWrite<'a>>,
    /// Parents of new annotations.
    predictions: Vec<i64>,
    annotations: Vec<i64>,
    /// Parents of deleted annotations.
    former_predictions: Vec<i64>,
    former_annotations: Vec<i64>,
    unique_ids: Vec<Uuid>,
    /// Tasks that get a new ground truth.
    ground_truths: Vec<i64>,
    /// Annotations to convert to drafts, each with its task.
    converted: Vec<(i64, i64)>,
    /// Bytes of stored results that are compared with new results.
    stored_bytes: usize,
}

impl<'a> Needs<'a> {
    fn add(&mut self, pending: &'a Pending, restores: &HashMap<i64, RestoreFacts>) {
        match pending {
            Pending::Create(pending) => self.add_create(pending),
            Pending::Update(pending) => self.add_update(pending),
            Pending::Delete(pending) => self.add_delete(pending),
            Pending::Revert(pending) => {
                self.add_revert(pending, restores.get(&pending.locked.annotation.id));
            }
            Pending::Undelete(pending) => self.add_undelete(pending, restores.get(&pending.id)),
        }
    }

    fn add_create(&mut self, pending: &'a PendingCreate) {
        let PendingCreate { task, new, .. } = pending;
        self.roles.push(task.project_id);
        self.users.extend(new.completed_by_id);
        self.validated.push(task);
        self.predictions.extend(new.parent_prediction_id);
        self.annotations.extend(new.parent_annotation_id);
        self.unique_ids.extend(new.unique_id);
        self.ground_truths
            .extend(new.ground_truth.then_some(task.id));
    }

    fn add_update(&mut self, pending: &'a PendingUpdate) {
        let PendingUpdate { locked, change } = pending;
        let row = &locked.annotation;
        self.roles.push(row.project_id);
        self.roles
            .extend(locked.target.as_ref().map(|target| target.project_id));
        // The stored result may conform to neither task's config, so both are read.
        if result_validation::needs_validation(change, row) {
            self.validated.push(&locked.task);
            self.validated.extend(&locked.target);
        }
        let users = [&change.completed_by_id, &change.updated_by_id];
        self.users
            .extend(users.into_iter().filter_map(Patch::value));
        self.projects.extend(change.project_id.value());
        if let Some(version) = pending.stale_version() {
            // A conflict names author and last updater, if visible.
            self.users.extend(users_of(row));
            self.stale.push(StaleWrite {
                row,
                version,
                change,
            });
        }
        self.stored_bytes += row.result.len();
        self.ground_truths.extend(pending.claims_ground_truth());
    }

    /// Adds the author and the last updater, whom a conflict names if visible.
    fn add_conflict(&mut self, expected: Option<i32>, version: i32, row: &annotation::Model) {
        if expected.is_some_and(|expected| expected != version) {
            self.users.extend(users_of(row));
        }
    }

    fn add_delete(&mut self, pending: &'a PendingDelete) {
        let locked = &pending.locked;
        let row = &locked.annotation;
        self.roles.push(row.project_id);
        self.add_conflict(pending.expected_version, locked.version(), row);
        if pending.into_draft {
            self.converted.push((row.id, locked.task.id));
        }
    }

    fn add_revert(&mut self, pending: &'a PendingRevert, facts: Option<&RestoreFacts>) {
        let locked = &pending.locked;
        let row = &locked.annotation;
        self.roles.push(row.project_id);
        self.add_conflict(pending.expected_version, locked.version(), row);
        let Some(past) = facts.and_then(|facts| facts.past.as_ref()) else {
            return;
        };
        if past.needs_validation(row) {
            self.validated.push(&locked.task);
        }
        // Only a gained ground truth takes the flag from a second annotation.
        let claims = past.snapshot.ground_truth && !row.ground_truth;
        self.ground_truths.extend(claims.then_some(row.task_id));
    }

    fn add_undelete(&mut self, pending: &'a PendingUndelete, facts: Option<&RestoreFacts>) {
        let Some(before) = facts.and_then(|facts| facts.before.as_ref()) else {
            return;
        };
        self.roles.push(before.project_id);
        self.add_conflict(pending.expected_version, before.version, before);
        let Some(past) = facts.and_then(|facts| facts.past.as_ref()) else {
            return;
        };
        let Some(task) = &pending.deleted.task else {
            return;
        };
        self.validated.push(task);
        self.former_predictions.extend(before.parent_prediction_id);
        self.former_annotations.extend(before.parent_annotation_id);
        self.unique_ids.push(before.unique_id);
        let claims = past.snapshot.ground_truth;
        self.ground_truths.extend(claims.then_some(before.task_id));
    }
}
