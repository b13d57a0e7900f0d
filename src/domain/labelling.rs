//! Labelling configs, parsed once per version, and the rules for results.

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
    ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Func, LockType},
};

use crate::{
    app::{App, compute, parsed_size},
    db::is_any,
    error::{Problem, Result, Segment},
};

/// Bytes of config texts per statement, unless a single text is larger.
const AT_ONCE: u64 = 4 << 20;

/// Labelling config and check mode of a project.
#[derive(Clone, Debug)]
pub struct Labelling {
    pub config: Arc<Config>,
    mode: CheckMode,
}

impl Labelling {
    /// Returns the rules, or `None` if the project accepts any result.
    pub fn rules(&self) -> Option<Rules> {
        Rules::new(self.config.clone(), self.mode)
    }
}

/// Rules for the results of a project.
#[derive(Clone, Debug)]
pub struct Rules {
    config: Arc<Config>,
    mode: Mode,
}

impl Rules {
    /// Builds the rules, or `None` with checks off and without a config: any result is accepted.
    pub fn new(config: Arc<Config>, mode: CheckMode) -> Option<Self> {
        let mode = match mode {
            CheckMode::Off => return None,
            CheckMode::Standard => Mode::Standard,
            CheckMode::Strict => Mode::Strict,
        };
        (!config.is_absent()).then_some(Self { config, mode })
    }

    /// Collects all problems of a result of a task with this data, with `at` before each path.
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

    /// Says whether results are also checked against the promises of the config.
    pub fn is_strict(&self) -> bool {
        self.mode == Mode::Strict
    }
}

/// Reads the rules of a project, or `None` if any result is accepted.
///
/// The rules hold until the transaction ends: a change of the config waits for transactions that write results under
/// the old config, and checks these results. Writers do not wait for each other, since their lock is shared; a
/// foreign key to the project takes the same lock anyway.
pub async fn rules(app: &App, db: &impl ConnectionTrait, project_id: i64) -> Result<Option<Rules>> {
    let labelling = held(app, db, &[project_id]).await?.remove(&project_id);
    Ok(labelling.and_then(|labelling| labelling.rules()))
}

/// Reads configs and check modes under a shared lock on the projects until the transaction ends: see [`rules`].
pub async fn held(
    app: &App,
    db: &impl ConnectionTrait,
    project_ids: &[i64],
) -> Result<HashMap<i64, Labelling>> {
    load(app, db, project_ids, Some(LockType::KeyShare)).await
}

/// Finds the labelling of a project, whose check mode and config version were read under a lock, if the config was
/// parsed before.
pub fn parsed(app: &App, project_id: i64, mode: CheckMode, version: i32) -> Option<Labelling> {
    let config = app.configs.get(project_id, version)?;
    Some(Labelling { config, mode })
}

/// Reads the labelling configs of projects, without a lock and without a check of visibility.
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
        .filter(is_any(
            app.db.backend(),
            task::Column::Id,
            task_ids.iter().copied(),
        ))
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
        projects.filter(is_any(
            db.get_database_backend(),
            Column::Id,
            ids.iter().copied(),
        ))
    };
    // Reads versions and sizes first: a config of known version comes from the cache, without reading the text.
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
        // The cache holds the lease of its own configs; the answer holds the rest until written.
        for (_, bytes) in &unread {
            app.budget.charge_at_most_half(parsed_size(*bytes))?;
        }
    }
    for some in by_size(&unread) {
        // Reads text and version in the same statement: outside a transaction the version may have changed since.
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

/// Splits ids into groups whose texts have at most [`AT_ONCE`] bytes together; a larger text forms its own group.
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

/// Parses or looks up the labelling config of a project. A project without a config has no controls, and so has a
/// config that can't be parsed, as only data of an earlier release can.
pub async fn config(app: &App, project: &project::Model) -> Arc<Config> {
    charge_reading(&project.label_config).await;
    let version = project.config_version;
    understood(app, project.id, version, &project.label_config)
}

/// Charges the time to parse a labelling config, several times the time to parse JSON of the same size.
pub async fn charge_reading(xml: &str) {
    const STEPS: usize = 4;
    compute::charge(xml.len().saturating_mul(STEPS)).await;
}

fn understood(app: &App, project_id: i64, version: i32, xml: &str) -> Arc<Config> {
    app.configs.get_or_read(project_id, version, xml, |faults| {
        // Logs the first fault alone: a broken config can have thousands.
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
