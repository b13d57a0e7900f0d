//! What judging requests about annotations takes to know, read in a few statements for all of them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::{annotation, prediction, project_member::Role, task};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{
    Change, New,
    conflict::{self, Late, Past, people_of},
    fit::{self, Basis},
    lock::Locked,
    plan::{self, Truths},
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
    labelstudio::config::Config,
};

/// What is known. It holds what the requests that it was read for can ask, and no more.
#[derive(Default)]
pub struct Ground {
    roles: HashMap<i64, Role>,
    /// Users that the actor sees.
    pub people: HashSet<i64>,
    /// Projects that the actor sees.
    pub projects: HashSet<i64>,
    bases: Bases,
    pasts: HashMap<i64, Past>,
    /// Tasks of predictions and annotations that the actor sees.
    pub prediction_tasks: HashMap<i64, i64>,
    pub annotation_tasks: HashMap<i64, i64>,
    /// Unique ids that are in use.
    pub taken: HashSet<Uuid>,
}

/// A change of a locked annotation.
pub struct Work {
    pub locked: Locked,
    pub change: Change,
    /// Versions that the same request has made already, by giving the ground truth to others.
    pub steps: i32,
}

/// A new annotation in a locked task.
pub struct Birth {
    pub task: task::Model,
    pub new: New,
    pub region_count: usize,
}

impl Work {
    /// The version that the change was made to, if that is not the current one.
    fn late(&self) -> Option<Late<'_>> {
        let row = &self.locked.annotation;
        let version = self.change.expected_version.value().copied();
        let version = version.filter(|version| *version != row.version - self.steps);
        version.map(|version| Late {
            row,
            version,
            change: &self.change,
        })
    }

    /// The task that gets another ground truth by the change.
    fn crowns(&self) -> Option<i64> {
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

impl Ground {
    /// What changes ask for, and the ground truths that they take from others.
    pub async fn of_changes(
        app: &App,
        txn: &DatabaseTransaction,
        actor: &Actor,
        works: &[Work],
    ) -> Result<(Self, Truths)> {
        let mut places = Vec::new();
        let mut checked = Vec::new();
        let mut people = Vec::new();
        let mut projects = Vec::new();
        let mut late = Vec::new();
        for work in works {
            let (locked, change) = (&work.locked, &work.change);
            places.push(locked.annotation.project_id);
            places.extend(locked.target.as_ref().map(|target| target.project_id));
            if fit::concerns(change, &locked.annotation) {
                checked.push(&locked.task);
                checked.extend(&locked.target);
            }
            let named = [&change.completed_by_id, &change.updated_by_id];
            people.extend(named.into_iter().filter_map(Patch::value));
            projects.extend(change.project_id.value());
            if let Some(one) = work.late() {
                people.extend(people_of(one.row));
                late.push(one);
            }
        }
        let bases = bases(app, txn, &checked).await?;
        let ground = Self {
            roles: access::roles_in(txn, actor, &places).await?,
            people: user::visible_ids(txn, actor, &people).await?,
            projects: project::visible_ids(txn, actor, &projects).await?,
            bases,
            pasts: conflict::pasts(txn, actor, &late).await?,
            ..Self::default()
        };
        let stored = works.iter().map(|work| work.locked.annotation.result.len());
        let past = ground.pasts.values().map(Past::bytes);
        compute::charge(stored.chain(past).sum()).await;
        let crowned: Vec<i64> = works.iter().filter_map(Work::crowns).collect();
        Ok((ground, plan::truths(txn, &crowned).await?))
    }

    /// What new annotations ask for, and the ground truths that they take from others.
    pub async fn of_births(
        app: &App,
        txn: &DatabaseTransaction,
        actor: &Actor,
        births: &[Birth],
    ) -> Result<(Self, Truths)> {
        let news = || births.iter().map(|birth| &birth.new);
        let places: Vec<i64> = births.iter().map(|birth| birth.task.project_id).collect();
        let people: Vec<i64> = news().filter_map(|new| new.completed_by_id).collect();
        let checked: Vec<&task::Model> = births.iter().map(|birth| &birth.task).collect();
        let bases = bases(app, txn, &checked).await?;
        let ground = Self {
            roles: access::roles_in(txn, actor, &places).await?,
            people: user::visible_ids(txn, actor, &people).await?,
            bases,
            prediction_tasks: prediction_tasks(txn, actor, news()).await?,
            annotation_tasks: annotation_tasks(txn, actor, news()).await?,
            taken: taken(txn, news()).await?,
            ..Self::default()
        };
        let crowned = births.iter().filter(|birth| birth.new.ground_truth);
        let crowned: Vec<i64> = crowned.map(|birth| birth.task.id).collect();
        Ok((ground, plan::truths(txn, &crowned).await?))
    }

    /// What deletions ask for, of these annotations; those in `late` are not at the version that was expected.
    pub async fn of_deletions(
        txn: &DatabaseTransaction,
        actor: &Actor,
        rows: &[&annotation::Model],
        late: &[&annotation::Model],
    ) -> Result<Self> {
        let places: Vec<i64> = rows.iter().map(|row| row.project_id).collect();
        let people: Vec<i64> = late.iter().flat_map(|row| people_of(row)).collect();
        Ok(Self {
            roles: access::roles_in(txn, actor, &places).await?,
            people: user::visible_ids(txn, actor, &people).await?,
            ..Self::default()
        })
    }

    /// The actor's role in a project; `None` when they don't see it.
    pub fn role(&self, project_id: i64) -> Option<Role> {
        self.roles.get(&project_id).copied()
    }

    /// What results of a task have to fit.
    pub fn basis(&self, task: &task::Model) -> Basis<'_> {
        self.bases.of(task)
    }

    /// Labelling configs by project, of all projects in which results change.
    pub fn configs(&self) -> HashMap<i64, Arc<Config>> {
        self.bases.configs.clone()
    }

    /// What a late change meets; `None` when it is not late.
    pub fn past(&self, work: &Work) -> Option<&Past> {
        work.late()?;
        self.pasts.get(&work.locked.annotation.id)
    }
}

/// Rules, labelling configs and task data that results are checked against.
#[derive(Default)]
pub struct Bases {
    rules: HashMap<i64, Rules>,
    /// By project. Includes projects that check nothing: the index needs their configs, too.
    pub configs: HashMap<i64, Arc<Config>>,
    /// Task data by task, read for strict rules alone.
    data: HashMap<i64, String>,
}

impl Bases {
    pub fn of(&self, task: &task::Model) -> Basis<'_> {
        Basis {
            rules: self.rules.get(&task.project_id),
            data: self.data.get(&task.id).map_or("", String::as_str),
        }
    }
}

/// Reads the rules, configs and data for results of these tasks.
pub async fn bases(
    app: &App,
    txn: &DatabaseTransaction,
    checked: &[&task::Model],
) -> Result<Bases> {
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
    Ok(Bases {
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

async fn taken(
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
