//! Rules, labelling configs and task data for the validation of results.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use entity::task;
use label_studio::config::Config;
use sea_orm::DatabaseTransaction;

use super::super::result_validation::ValidationContext;
use crate::{
    app::App,
    domain::{
        labelling::{self, Labelling, Rules},
        task as tasks,
    },
    error::Result,
};

/// Validation contexts of tasks, by project and task.
#[derive(Default)]
pub struct ValidationContexts {
    rules: HashMap<i64, Rules>,
    /// Configs by project, also of projects without checks: the index needs their configs too.
    pub configs: HashMap<i64, Arc<Config>>,
    /// Task data by task, read for strict rules alone.
    data: HashMap<i64, String>,
}

impl ValidationContexts {
    /// Reads rules, configs and data for the results of these tasks.
    pub async fn read(
        app: &App,
        txn: &DatabaseTransaction,
        validated: &[&task::Model],
    ) -> Result<Self> {
        let projects: HashSet<i64> = validated.iter().map(|task| task.project_id).collect();
        let projects: Vec<i64> = projects.into_iter().collect();
        // Holds the configs until the commit: a change of the config waits, then checks the new results.
        let contexts = Self::new(labelling::held(app, txn, &projects).await?);
        let is_strict = |id| contexts.rules.get(id).is_some_and(Rules::is_strict);
        let strict = validated.iter().filter(|task| is_strict(&task.project_id));
        let strict: HashSet<i64> = strict.map(|task| task.id).collect();
        let data = tasks::data(txn, &strict.into_iter().collect::<Vec<_>>()).await?;
        Ok(Self { data, ..contexts })
    }

    /// Contexts of projects whose rules need no task data.
    pub fn new(labellings: HashMap<i64, Labelling>) -> Self {
        let rules = labellings.iter();
        let rules = rules.filter_map(|(id, labelling)| Some((*id, labelling.rules()?)));
        let rules = rules.collect();
        let configs = labellings.into_iter();
        let configs = configs.map(|(id, labelling)| (id, labelling.config));
        Self {
            rules,
            configs: configs.collect(),
            data: HashMap::new(),
        }
    }

    /// Rules and data for results of a task; no rules when the project accepts any result.
    pub fn of(&self, task: &task::Model) -> ValidationContext<'_> {
        ValidationContext {
            rules: self.rules.get(&task.project_id),
            data: self.data.get(&task.id).map_or("", String::as_str),
        }
    }
}
