//! Labelling configs, understood once for every version, and what results have to fit.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::{
    project::{self, CheckMode, Column},
    task,
};
use label_studio::{
    check::{self, Mode},
    config::Config,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Func, LockType},
};

use crate::{
    app::{App, compute, parsed_size},
    error::{Problem, Result, Segment},
};

/// Bytes of config texts that one statement reads, unless a single one has more.
const AT_ONCE: u64 = 4 << 20;

/// A project's labelling config and check mode.
#[derive(Clone, Debug)]
pub struct Labelling {
    pub config: Arc<Config>,
    mode: CheckMode,
}

impl Labelling {
    /// `None` where everything fits.
    pub fn rules(&self) -> Option<Rules> {
        Rules::new(self.config.clone(), self.mode)
    }
}

/// What results of a project have to fit.
#[derive(Clone, Debug)]
pub struct Rules {
    config: Arc<Config>,
    mode: Mode,
}

impl Rules {
    /// `None` where everything fits: in an unchecked project, and without a config.
    pub fn new(config: Arc<Config>, mode: CheckMode) -> Option<Self> {
        let mode = match mode {
            CheckMode::Off => return None,
            CheckMode::Standard => Mode::Standard,
            CheckMode::Strict => Mode::Strict,
        };
        (!config.is_absent()).then_some(Self { config, mode })
    }

    /// All problems of a result of a task with this data, with `at` before each path.
    pub fn check(
        &self,
        result: &str,
        data: &str,
        is_cancelled: bool,
        at: &[Segment],
    ) -> Vec<Problem> {
        let rules = check::Rules {
            config: &self.config,
            mode: self.mode,
            data: Some(data),
            is_cancelled,
        };
        check::check(rules, result, at)
    }

    pub fn is_strict(&self) -> bool {
        self.mode == Mode::Strict
    }
}

/// The rules of a project as they stand in this transaction. `None` where everything fits.
///
/// They stand until it ends: whoever changes the config waits for those who write by the one before, and looks at
/// what they wrote. Those who write don't wait for each other, and take the lock anyway by referring to the project.
pub async fn rules(app: &App, db: &impl ConnectionTrait, project_id: i64) -> Result<Option<Rules>> {
    Ok(rules_of(app, db, &[project_id]).await?.remove(&project_id))
}

/// The rules of projects as they stand in this transaction; none of those where everything fits.
pub async fn rules_of(
    app: &App,
    db: &impl ConnectionTrait,
    project_ids: &[i64],
) -> Result<HashMap<i64, Rules>> {
    let held = held(app, db, project_ids).await?.into_iter();
    let rules = held.filter_map(|(id, labelling)| Some((id, labelling.rules()?)));
    Ok(rules.collect())
}

/// Reads configs and check modes under a shared lock on the projects until the transaction ends: see [`rules`].
pub async fn held(
    app: &App,
    db: &impl ConnectionTrait,
    project_ids: &[i64],
) -> Result<HashMap<i64, Labelling>> {
    load(app, db, project_ids, Some(LockType::KeyShare)).await
}

/// Reads the labelling configs of projects, without a lock and without a look at who sees the projects.
pub async fn configs(app: &App, project_ids: &[i64]) -> Result<HashMap<i64, Arc<Config>>> {
    let found = load(app, app.db.reader(), project_ids, None).await?;
    let found = found.into_iter();
    Ok(found
        .map(|(id, labelling)| (id, labelling.config))
        .collect())
}

/// Reads the labelling configs of the tasks' projects, by task.
pub async fn configs_of_tasks(app: &App, task_ids: &[i64]) -> Result<HashMap<i64, Arc<Config>>> {
    let places: Vec<(i64, i64)> = task::Entity::find()
        .select_only()
        .columns([task::Column::Id, task::Column::ProjectId])
        .filter(task::Column::Id.is_in(task_ids.iter().copied()))
        .into_tuple()
        .all(app.db.reader())
        .await?;
    let projects: HashSet<i64> = places.iter().map(|(_, project_id)| *project_id).collect();
    let projects: Vec<i64> = projects.into_iter().collect();
    let configs = configs(app, &projects).await?;
    let places = places.into_iter();
    let found = places.filter_map(|(id, project_id)| Some((id, configs.get(&project_id)?.clone())));
    Ok(found.collect())
}

async fn load(
    app: &App,
    db: &impl ConnectionTrait,
    project_ids: &[i64],
    lock: Option<LockType>,
) -> Result<HashMap<i64, Labelling>> {
    let mut known = HashMap::new();
    if project_ids.is_empty() {
        return Ok(known);
    }
    let projects = |ids: &[i64]| {
        let projects = project::Entity::find().select_only().column(Column::Id);
        projects.filter(Column::Id.is_in(ids.iter().copied()))
    };
    let length = Func::cust("octet_length").arg(Expr::col(Column::LabelConfig));
    let mut versions = projects(project_ids)
        .columns([Column::CheckMode, Column::ConfigVersion])
        .expr_as(Expr::expr(length).cast_as("bigint"), "bytes");
    if let Some(lock) = lock {
        versions = versions.lock(lock);
    }
    let found: Vec<(i64, CheckMode, i32, i64)> = versions.into_tuple().all(db).await?;
    let mut unread = Vec::new();
    let mut modes = HashMap::new();
    for (id, mode, version, bytes) in found {
        match app.configs.get(id, version) {
            Some(config) => {
                known.insert(id, Labelling { config, mode });
            }
            None => {
                unread.push((id, bytes.unsigned_abs()));
                modes.insert(id, mode);
            }
        }
    }
    if lock.is_none() {
        // Configs of the cache are leased by it; the others are held by the answer until it is written.
        for (_, bytes) in &unread {
            app.budget.charge_at_most_half(parsed_size(*bytes))?;
        }
    }
    for some in by_size(&unread) {
        // Both together: outside of a transaction, the version may be another one by now.
        let found: Vec<(i64, String, i32)> = projects(&some)
            .columns([Column::LabelConfig, Column::ConfigVersion])
            .into_tuple()
            .all(db)
            .await?;
        for (id, xml, version) in found {
            charge_reading(&xml).await;
            let config = understood(app, id, version, &xml);
            let mode = modes[&id];
            known.insert(id, Labelling { config, mode });
        }
    }
    Ok(known)
}

/// Parts ids into groups whose texts have [`AT_ONCE`] bytes together, or one id.
fn by_size(texts: &[(i64, u64)]) -> Vec<Vec<i64>> {
    let mut groups: Vec<Vec<i64>> = Vec::new();
    let mut room = 0;
    for (id, bytes) in texts {
        match groups.last_mut().filter(|_| *bytes <= room) {
            Some(group) => {
                group.push(*id);
                room -= bytes;
            }
            None => {
                groups.push(vec![*id]);
                room = AT_ONCE.saturating_sub(*bytes);
            }
        }
    }
    groups
}

/// What the labelling config of a project says. It has no controls when the project has no config yet, or one
/// that can't be read, which only data of an older version can have.
pub async fn config(app: &App, project: &project::Model) -> Arc<Config> {
    charge_reading(&project.label_config).await;
    let version = project.config_version;
    understood(app, project.id, version, &project.label_config)
}

/// Accounts for the reading of a labelling config, which takes several times as long as that of JSON.
pub async fn charge_reading(xml: &str) {
    const STEPS: usize = 4;
    compute::charge(xml.len().saturating_mul(STEPS)).await;
}

fn understood(app: &App, project_id: i64, version: i32, xml: &str) -> Arc<Config> {
    app.configs.get_or_read(project_id, version, xml, |faults| {
        let first = faults.first();
        tracing::warn!(
            project = project_id,
            line = first.map(|fault| fault.location.line),
            fault = first.map(|fault| &*fault.message),
            "a stored labelling config can't be read and counts as none"
        );
        Config::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_groups_of_bounded_size() {
        let half = AT_ONCE / 2;
        let texts = [
            (1, half),
            (2, half),
            (3, 1),
            (4, 2 * AT_ONCE),
            (5, 0),
            (6, 1),
        ];
        let groups = [vec![1, 2], vec![3], vec![4, 5], vec![6]];
        assert_eq!(by_size(&texts), groups);
        assert!(by_size(&[]).is_empty());
    }
}
