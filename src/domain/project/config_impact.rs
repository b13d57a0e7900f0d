//! Results that a new labelling config breaks: annotations and drafts that fit the old config and not the new config.

use std::{collections::HashSet, sync::Arc};

use entity::{
    annotation, annotation_draft,
    project::{self, CheckMode},
    task,
};
use indexmap::{IndexMap, IndexSet};
use label_studio::config::Config;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::Value;

use crate::{
    app::{App, compute},
    domain::{
        labelling::{self, Rules},
        task as tasks,
    },
    error::{Path, Problem, ProblemCode, Result, Segment, dotted},
};

/// Results read and checked together.
const PAGE: u64 = 50;
/// Maximum number of kinds of breaks reported; further kinds are counted.
const MAX_BREAKING_CHANGES: usize = 100;
/// Maximum number of ids reported per kind.
const MAX_IDS: usize = 3;
/// Maximum length of a name in a message, in characters.
const MAX_SHOWN: usize = 60;

/// Rules for a project's results, before and after a change.
struct ConfigChange {
    before: Option<Rules>,
    after: Option<Rules>,
    configs: [Arc<Config>; 2],
}

impl ConfigChange {
    fn new(before: &Arc<Config>, after: &Arc<Config>, mode: CheckMode) -> Self {
        Self {
            before: Rules::new(before.clone(), mode),
            after: Rules::new(after.clone(), mode),
            configs: [before.clone(), after.clone()],
        }
    }

    /// Maps `labels_0` to the name in the config, `labels_{{idx}}`, so that all items of a Repeater count as a single
    /// control.
    fn written<'n>(&'n self, name: &'n str) -> &'n str {
        let mut found = self.configs.iter().map(|config| config.control_of(name));
        let found = found.find_map(|found| found);
        found.map_or(name, |found| &found.control.name)
    }

    fn is_strict(&self) -> bool {
        self.after.as_ref().is_some_and(Rules::is_strict)
    }

    /// Finds the problems of a result under the new rules that the old rules did not report.
    fn new_problems(&self, result: &str, data: &str, is_cancelled: bool) -> Vec<Problem> {
        let check = |rules: &Option<Rules>| {
            let rules = rules.as_ref();
            rules.map(|rules| rules.check(result, data, is_cancelled, &[]))
        };
        let mut found = check(&self.after).unwrap_or_default();
        if found.is_empty() {
            return found;
        }
        let known = check(&self.before).unwrap_or_default();
        // Compares path and code alone: messages quote the config and differ between old and new.
        let known: HashSet<_> = known.iter().map(|old| (&old.path, old.code)).collect();
        found.retain(|new| !known.contains(&(&new.path, new.code)));
        found
    }
}

/// Stored result of an annotation or draft.
struct StoredResult {
    id: i64,
    result: String,
    /// Task data; empty unless the rules read task data.
    data: String,
    is_cancelled: bool,
}

/// Counts of the annotations and drafts with a particular kind of break.
#[derive(Default)]
struct Usage {
    annotations: u64,
    drafts: u64,
    first_ids: Vec<i64>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct BreakingChange {
    code: ProblemCode,
    control: String,
    /// Unknown name, or the invalid field.
    what: String,
}

#[derive(Default)]
struct Impact {
    broken: IndexMap<BreakingChange, Usage>,
    more: usize,
}

/// Checks all results of a locked project against the new labelling config and reports a problem per kind of break.
/// Problems that the old config reports too are left out. Predictions are not checked.
pub async fn breaking_changes(
    app: &App,
    txn: &DatabaseTransaction,
    before: &project::Model,
    after: &project::Model,
) -> Result<Vec<Problem>> {
    // With checks off, or with an unchanged config, nothing can break.
    if after.check_mode == CheckMode::Off || after.label_config == before.label_config {
        return Ok(Vec::new());
    }
    let old = labelling::config(app, before).await;
    let new = parse(&after.label_config).await;
    let change = ConfigChange::new(&old, &new, after.check_mode);
    let mut impact = Impact::default();
    let mut last = 0;
    loop {
        let page = annotations(txn, after.id, last, change.is_strict()).await?;
        let Some(newest) = page.last() else { break };
        last = newest.id;
        impact.inspect(&change, &page, false).await;
    }
    // Drafts are unfinished, so strict rules about required answers do not apply.
    let change = ConfigChange::new(&old, &new, CheckMode::Standard);
    let mut last = 0;
    loop {
        let page = drafts(txn, after.id, last).await?;
        let Some(newest) = page.last() else { break };
        last = newest.id;
        impact.inspect(&change, &page, true).await;
    }
    Ok(impact.into_problems())
}

/// Parses a checked config.
pub async fn parse(text: &str) -> Arc<Config> {
    labelling::charge_reading(text).await;
    Arc::new(Config::parse(text).unwrap_or_default())
}

async fn annotations(
    txn: &DatabaseTransaction,
    project_id: i64,
    after: i64,
    with_data: bool,
) -> Result<Vec<StoredResult>> {
    use annotation::Column::{Id, ProjectId, Result as Regions, TaskId, WasCancelled};
    let rows: Vec<(i64, i64, String, bool)> = annotation::Entity::find()
        .select_only()
        .columns([Id, TaskId, Regions, WasCancelled])
        .filter(ProjectId.eq(project_id))
        .filter(Id.gt(after))
        .order_by_asc(Id)
        .limit(PAGE)
        .into_tuple()
        .all(txn)
        .await?;
    // Reads task data only for strict rules, which alone look at the data.
    let ids: HashSet<i64> = rows
        .iter()
        .filter(|_| with_data)
        .map(|(_, task_id, ..)| *task_id)
        .collect();
    let data = tasks::data(txn, &Vec::from_iter(ids)).await?;
    let stored = rows
        .into_iter()
        .map(|(id, task_id, result, is_cancelled)| StoredResult {
            id,
            result,
            data: data.get(&task_id).cloned().unwrap_or_default(),
            is_cancelled,
        });
    Ok(stored.collect())
}

async fn drafts(
    txn: &DatabaseTransaction,
    project_id: i64,
    after: i64,
) -> Result<Vec<StoredResult>> {
    use annotation_draft::Column::{Id, Result as Regions, TaskId};
    let tasks = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        // Drafts are checked without task data: standard rules never read the data.
        .filter(task::Column::ProjectId.eq(project_id))
        .into_query();
    let rows: Vec<(i64, String)> = annotation_draft::Entity::find()
        .select_only()
        .columns([Id, Regions])
        .filter(TaskId.in_subquery(tasks))
        .filter(Id.gt(after))
        .order_by_asc(Id)
        .limit(PAGE)
        .into_tuple()
        .all(txn)
        .await?;
    let stored = rows.into_iter().map(|(id, result)| StoredResult {
        id,
        result,
        data: String::new(),
        // Counts as cancelled, since cancelled results may leave required controls empty.
        is_cancelled: true,
    });
    Ok(stored.collect())
}

impl Impact {
    async fn inspect(&mut self, change: &ConfigChange, page: &[StoredResult], are_drafts: bool) {
        for stored in page {
            compute::charge(stored.result.len() + stored.data.len()).await;
            let problems = change.new_problems(&stored.result, &stored.data, stored.is_cancelled);
            if problems.is_empty() {
                continue;
            }
            let result: Value = serde_json::from_str(&stored.result).unwrap_or_default();
            let broken = problems.iter();
            let broken = broken.map(|problem| BreakingChange::of(problem, &result, change));
            // Keeps the order of the result, without duplicates.
            for kind in broken.collect::<IndexSet<_>>() {
                self.add(kind, stored.id, are_drafts);
            }
        }
    }

    fn add(&mut self, kind: BreakingChange, id: i64, is_draft: bool) {
        // Past the limit only known kinds are counted separately: the answer stays bounded.
        if self.broken.len() >= MAX_BREAKING_CHANGES && !self.broken.contains_key(&kind) {
            self.more += 1;
            return;
        }
        let uses = self.broken.entry(kind).or_default();
        if is_draft {
            uses.drafts += 1;
            return;
        }
        uses.annotations += 1;
        if uses.first_ids.len() < MAX_IDS {
            uses.first_ids.push(id);
        }
    }

    fn into_problems(self) -> Vec<Problem> {
        let at = ["input", "labelConfig"];
        let more = (self.more > 0).then(|| format!("and more, {} times", self.more));
        let broken = self.broken.iter();
        let sentences = broken.map(|(kind, uses)| kind.sentence(uses)).chain(more);
        sentences
            .map(|sentence| Problem::new(at, ProblemCode::UnfitResult, sentence))
            .collect()
    }
}

impl BreakingChange {
    fn of(problem: &Problem, result: &Value, change: &ConfigChange) -> Self {
        let region = problem.path.first().and_then(|step| child(result, step));
        let named = |field: &str| {
            let name = region.and_then(|region| region.get(field));
            name.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let place: Path = problem.path.iter().skip(1).cloned().collect();
        let found = place.iter().try_fold(region.unwrap_or(&Value::Null), child);
        let what = match problem.code {
            ProblemCode::UnknownLabel | ProblemCode::UnknownObject => match found {
                Some(Value::String(name)) => name.clone(),
                Some(other) => other.to_string(),
                None => dotted(&place),
            },
            ProblemCode::UnknownControl => String::new(),
            ProblemCode::WrongRegionType => named("type"),
            // Drops list indexes: the same field of any item counts as the same kind.
            _ => {
                let keys = place.into_iter();
                let keys = keys.filter(|step| matches!(step, Segment::Key(_)));
                dotted(&keys.collect::<Path>())
            }
        };
        Self {
            code: problem.code,
            control: change.written(&named("from_name")).to_owned(),
            what,
        }
    }

    /// Formats a message such as `` the label `Car` of `label` is used by 12 annotations (34, 35, 36, …) and 1 draft
    /// ``.
    fn sentence(&self, uses: &Usage) -> String {
        let (control, what) = (truncated(&self.control), truncated(&self.what));
        let subject = match self.code {
            ProblemCode::UnknownControl => format!("the control `{control}` is used"),
            ProblemCode::UnknownObject => format!("the object `{what}` of `{control}` is used"),
            ProblemCode::UnknownLabel => format!("the label `{what}` of `{control}` is used"),
            ProblemCode::WrongRegionType => {
                format!("the type `{what}` of `{control}` is used")
            }
            ProblemCode::Required if self.control.is_empty() => {
                "what would be required is left out".to_owned()
            }
            _ => format!("`{control}` would not take what `{what}` is,"),
        };
        format!("{subject} by {}", uses.counted())
    }
}

impl Usage {
    fn counted(&self) -> String {
        let plural = |count: u64, noun: &str| match count {
            1 => format!("1 {noun}"),
            count => format!("{count} {noun}s"),
        };
        let mut ids: Vec<String> = self.first_ids.iter().map(i64::to_string).collect();
        if self.annotations > ids.len() as u64 {
            ids.push("…".to_owned());
        }
        let annotations = plural(self.annotations, "annotation");
        let annotations = format!("{annotations} ({})", ids.join(", "));
        match (self.annotations, self.drafts) {
            (0, drafts) => plural(drafts, "draft"),
            (_, 0) => annotations,
            (_, drafts) => format!("{annotations} and {}", plural(drafts, "draft")),
        }
    }
}

fn child<'v>(value: &'v Value, step: &Segment) -> Option<&'v Value> {
    match step {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
    }
}

fn truncated(name: &str) -> String {
    match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
