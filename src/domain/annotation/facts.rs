//! Facts: rows that decisions on commands depend on, read in a fixed number of statements for all commands.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::{annotation, prediction, project_member::Role, task};
use label_studio::config::Config;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{
    Change, New,
    conflict::{self, BaseVersion, StaleWrite, users_of},
    lock::Locked,
    plan::{self, GroundTruthByTask},
    result_validation::{self, ValidationContext},
};
use crate::{
    app::{App, compute},
    domain::{
        Patch,
        access::{self, Actor},
        labelling::{self, Rules},
        project, task as tasks, user,
    },
    error::Result,
};

/// Facts for the commands that they were read for.
#[derive(Default)]
pub struct Facts {
    roles: HashMap<i64, Role>,
    /// Users that the actor sees.
    pub visible_users: HashSet<i64>,
    /// Projects that the actor sees.
    pub visible_projects: HashSet<i64>,
    contexts: ValidationContexts,
    base_versions: HashMap<i64, BaseVersion>,
    /// Tasks of predictions and annotations that the actor sees.
    pub prediction_tasks: HashMap<i64, i64>,
    pub annotation_tasks: HashMap<i64, i64>,
    /// Unique ids that are in use.
    pub used_unique_ids: HashSet<Uuid>,
}

/// A change of a locked annotation.
pub struct PendingUpdate {
    pub locked: Locked,
    pub change: Change,
    /// Versions that the same request has made already, by giving the ground truth to others.
    pub version_bumps: i32,
}

/// A new annotation in a locked task.
pub struct PendingCreate {
    pub task: task::Model,
    pub new: New,
    pub region_count: usize,
}

impl PendingUpdate {
    /// The version that the change was made to, if that is not the current one.
    fn stale_write(&self) -> Option<StaleWrite<'_>> {
        let row = &self.locked.annotation;
        let version = self.change.expected_version.value().copied();
        let version = version.filter(|version| *version != row.version - self.version_bumps);
        version.map(|version| StaleWrite {
            row,
            version,
            change: &self.change,
        })
    }

    /// The task that gets another ground truth by the change.
    fn claims_ground_truth(&self) -> Option<i64> {
        let Locked {
            annotation: row,
            target,
            ..
        } = &self.locked;
        let is_truth = *self
            .change
            .ground_truth
            .value()
            .unwrap_or(&row.ground_truth);
        let place = target.as_ref().map_or(row.task_id, |target| target.id);
        let changes = !row.ground_truth || place != row.task_id;
        (is_truth && changes).then_some(place)
    }
}

impl Facts {
    /// What changes ask for, and the ground truths that they take from others.
    pub async fn for_updates(
        app: &App,
        txn: &DatabaseTransaction,
        actor: &Actor,
        pendings: &[PendingUpdate],
    ) -> Result<(Self, GroundTruthByTask)> {
        let mut role_projects = Vec::new();
        let mut checked = Vec::new();
        let mut users = Vec::new();
        let mut projects = Vec::new();
        let mut stale = Vec::new();
        for pending in pendings {
            let (locked, change) = (&pending.locked, &pending.change);
            role_projects.push(locked.annotation.project_id);
            role_projects.extend(locked.target.as_ref().map(|target| target.project_id));
            if result_validation::needs_validation(change, &locked.annotation) {
                checked.push(&locked.task);
                checked.extend(&locked.target);
            }
            let named = [&change.completed_by_id, &change.updated_by_id];
            users.extend(named.into_iter().filter_map(Patch::value));
            projects.extend(change.project_id.value());
            if let Some(write) = pending.stale_write() {
                users.extend(users_of(write.row));
                stale.push(write);
            }
        }
        let contexts = contexts(app, txn, &checked).await?;
        let facts = Self {
            roles: access::roles_in(txn, actor, &role_projects).await?,
            visible_users: user::visible_ids(txn, actor, &users).await?,
            visible_projects: project::visible_ids(txn, actor, &projects).await?,
            contexts,
            base_versions: conflict::base_versions(txn, actor, &stale).await?,
            ..Self::default()
        };
        let stored = pendings
            .iter()
            .map(|pending| pending.locked.annotation.result.len());
        let bases = facts.base_versions.values().map(BaseVersion::bytes);
        compute::charge(stored.chain(bases).sum()).await;
        let claimed: Vec<i64> = pendings
            .iter()
            .filter_map(PendingUpdate::claims_ground_truth)
            .collect();
        Ok((facts, plan::ground_truths(txn, &claimed).await?))
    }

    /// What new annotations ask for, and the ground truths that they take from others.
    pub async fn for_creates(
        app: &App,
        txn: &DatabaseTransaction,
        actor: &Actor,
        pendings: &[PendingCreate],
    ) -> Result<(Self, GroundTruthByTask)> {
        let news = || pendings.iter().map(|pending| &pending.new);
        let projects: Vec<i64> = pendings
            .iter()
            .map(|pending| pending.task.project_id)
            .collect();
        let users: Vec<i64> = news().filter_map(|new| new.completed_by_id).collect();
        let checked: Vec<&task::Model> = pendings.iter().map(|pending| &pending.task).collect();
        let contexts = contexts(app, txn, &checked).await?;
        let facts = Self {
            roles: access::roles_in(txn, actor, &projects).await?,
            visible_users: user::visible_ids(txn, actor, &users).await?,
            contexts,
            prediction_tasks: prediction_tasks(txn, actor, news()).await?,
            annotation_tasks: annotation_tasks(txn, actor, news()).await?,
            used_unique_ids: used_unique_ids(txn, news()).await?,
            ..Self::default()
        };
        let claimed = pendings.iter().filter(|pending| pending.new.ground_truth);
        let claimed: Vec<i64> = claimed.map(|pending| pending.task.id).collect();
        Ok((facts, plan::ground_truths(txn, &claimed).await?))
    }

    /// What deletions ask for, of these annotations; those in `stale` are not at the version that was expected.
    pub async fn for_deletes(
        txn: &DatabaseTransaction,
        actor: &Actor,
        rows: &[&annotation::Model],
        stale: &[&annotation::Model],
    ) -> Result<Self> {
        let projects: Vec<i64> = rows.iter().map(|row| row.project_id).collect();
        let users: Vec<i64> = stale.iter().flat_map(|row| users_of(row)).collect();
        Ok(Self {
            roles: access::roles_in(txn, actor, &projects).await?,
            visible_users: user::visible_ids(txn, actor, &users).await?,
            ..Self::default()
        })
    }

    /// The actor's role in a project; `None` when they don't see it.
    pub fn role(&self, project_id: i64) -> Option<Role> {
        self.roles.get(&project_id).copied()
    }

    /// What results of a task have to fit.
    pub fn context(&self, task: &task::Model) -> ValidationContext<'_> {
        self.contexts.of(task)
    }

    /// Labelling configs by project, of all projects in which results change.
    pub fn configs(&self) -> HashMap<i64, Arc<Config>> {
        self.contexts.configs.clone()
    }

    /// Base version of a stale write; `None` for a write to the current version.
    pub fn base_version(&self, pending: &PendingUpdate) -> Option<&BaseVersion> {
        pending.stale_write()?;
        self.base_versions.get(&pending.locked.annotation.id)
    }
}

/// Rules, labelling configs and task data that results are checked against.
#[derive(Default)]
pub struct ValidationContexts {
    rules: HashMap<i64, Rules>,
    /// By project. Includes projects that check nothing: the index needs their configs, too.
    pub configs: HashMap<i64, Arc<Config>>,
    /// Task data by task, read for strict rules alone.
    data: HashMap<i64, String>,
}

impl ValidationContexts {
    pub fn of(&self, task: &task::Model) -> ValidationContext<'_> {
        ValidationContext {
            rules: self.rules.get(&task.project_id),
            data: self.data.get(&task.id).map_or("", String::as_str),
        }
    }
}

/// Reads the rules, configs and data for results of these tasks.
pub async fn contexts(
    app: &App,
    txn: &DatabaseTransaction,
    checked: &[&task::Model],
) -> Result<ValidationContexts> {
    let projects: HashSet<i64> = checked.iter().map(|task| task.project_id).collect();
    let projects: Vec<i64> = projects.into_iter().collect();
    let held = labelling::held(app, txn, &projects).await?;
    let rules = held.iter();
    let rules = rules.filter_map(|(id, labelling)| Some((*id, labelling.rules()?)));
    let rules: HashMap<i64, Rules> = rules.collect();
    let configs = held.into_iter();
    let configs = configs
        .map(|(id, labelling)| (id, labelling.config))
        .collect();
    let is_strict = |id| rules.get(id).is_some_and(Rules::is_strict);
    let strict = checked.iter().filter(|task| is_strict(&task.project_id));
    let strict: HashSet<i64> = strict.map(|task| task.id).collect();
    let data = tasks::data(txn, &strict.into_iter().collect::<Vec<_>>()).await?;
    Ok(ValidationContexts {
        rules,
        configs,
        data,
    })
}

async fn prediction_tasks(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    news: impl Iterator<Item = &New>,
) -> Result<HashMap<i64, i64>> {
    use prediction::Column::{Id, TaskId};
    let ids: Vec<i64> = news.filter_map(|new| new.parent_prediction_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let select = access::visible_predictions(actor).select_only();
    let select = select.columns([Id, TaskId]).filter(Id.is_in(ids));
    // It stays until the transaction ends.
    let select = select.lock(LockType::KeyShare);
    let found: Vec<(i64, i64)> = select.into_tuple().all(txn).await?;
    Ok(found.into_iter().collect())
}

async fn annotation_tasks(
    txn: &impl ConnectionTrait,
    actor: &Actor,
    news: impl Iterator<Item = &New>,
) -> Result<HashMap<i64, i64>> {
    use annotation::Column::{Id, TaskId};
    let ids: Vec<i64> = news.filter_map(|new| new.parent_annotation_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let select = access::visible_annotations(actor).select_only();
    let select = select.columns([Id, TaskId]).filter(Id.is_in(ids));
    let select = select.lock(LockType::KeyShare);
    let found: Vec<(i64, i64)> = select.into_tuple().all(txn).await?;
    Ok(found.into_iter().collect())
}

async fn used_unique_ids(
    txn: &impl ConnectionTrait,
    news: impl Iterator<Item = &New>,
) -> Result<HashSet<Uuid>> {
    use annotation::Column::UniqueId;
    let ids: Vec<Uuid> = news.filter_map(|new| new.unique_id).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let select = annotation::Entity::find().select_only().column(UniqueId);
    let found: Vec<Uuid> = select
        .filter(UniqueId.is_in(ids))
        .into_tuple()
        .all(txn)
        .await?;
    Ok(found.into_iter().collect())
}
