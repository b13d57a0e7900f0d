//! Validates results against the labelling config of the project that they come into.

use std::collections::{HashMap, HashSet};

use entity::{annotation, task};
use json_fidelity::MAX_VIOLATIONS;
use label_studio::entry::{Key, entries, list};

use super::{
    command::{Change, New},
    new_result::{NewResult, Provenance},
};
use crate::{
    domain::{Patch, labelling::Rules},
    error::{Path, Problem, ProblemCode, Segment, dotted},
};

/// Rules that results of a task have to conform to.
#[derive(Clone, Copy)]
pub struct ValidationContext<'a> {
    /// `None` where every result conforms.
    pub rules: Option<&'a Rules>,
    /// Data of the task; only strict rules look at it.
    pub data: &'a str,
}

/// Problems of a new annotation's result.
pub fn validate_new(context: ValidationContext<'_>, new: &New) -> Vec<Problem> {
    let at = ["input".into(), "result".into()];
    context.check(&new.result, new.was_cancelled, &at)
}

impl ValidationContext<'_> {
    fn check(&self, result: &str, is_cancelled: bool, at: &[Segment]) -> Vec<Problem> {
        let check = |rules: &Rules| rules.check(result, self.data, is_cancelled, at);
        self.rules.map(check).unwrap_or_default()
    }
}

/// The change brings a result that has to conform, or the stored one into other rules.
pub fn needs_validation(change: &Change, row: &annotation::Model) -> bool {
    let returns = row.was_cancelled && change.was_cancelled == Patch::Set(false);
    change.makes_result() || change.task_id.is_sent() || returns
}

/// Problems of a changed annotation's result. `task` is the task after the change.
///
/// What is stored was accepted once and stays so, whatever became of the config, until it comes under
/// another project's. Strict projects look at it again when it comes to another task, and when the task is
/// no longer skipped.
pub fn validate_update(
    context: ValidationContext<'_>,
    row: &annotation::Model,
    task: &task::Model,
    change: &Change,
    new_result: Option<&NewResult>,
) -> Vec<Problem> {
    let is_cancelled = *change.was_cancelled.value().unwrap_or(&row.was_cancelled);
    let moves = task.id != row.task_id;
    let returns = row.was_cancelled && !is_cancelled;
    let Some(rules) = context.rules else {
        return Vec::new();
    };
    if !(new_result.is_some() || moves || returns) {
        return Vec::new();
    }
    let check = |result: &str| context.check(result, is_cancelled, &[]);
    match new_result.map(|new_result| (new_result, &new_result.provenance)) {
        None => {}
        Some((new_result, Provenance::Whole)) => {
            let at = ["input".into(), "result".into()];
            return context.check(&new_result.result, is_cancelled, &at);
        }
        // Only what is wrong by this change: a region can be edited beside one that never fitted.
        Some((new_result, Provenance::Entries { paths, field })) => {
            let problems = check(&new_result.result);
            if problems.is_empty() {
                return problems;
            }
            let stored = if moves {
                Vec::new()
            } else {
                context.check(&row.result, row.was_cancelled, &[])
            };
            if stored.len() >= MAX_VIOLATIONS {
                // What comes behind so many was not told: the sent entries have to speak alone.
                return validate_entries_alone(&new_result.result, paths, check);
            }
            let new = introduced_problems(row, new_result, problems, stored).into_iter();
            return new
                .map(|(key, problem)| at_input_path(paths, field, key, problem))
                .collect();
        }
    }
    if task.project_id == row.project_id && !rules.is_strict() {
        return Vec::new();
    }
    let field = if moves { "taskId" } else { "wasCancelled" };
    let problem = nonconforming(&["input", field], &check(&row.result));
    problem.into_iter().collect()
}

/// What is wrong with a result of old that comes back into a task; one that is stored already is looked at
/// by strict projects alone.
pub fn validate_restored(
    context: ValidationContext<'_>,
    result: &str,
    is_cancelled: bool,
    is_stored: bool,
) -> Option<Problem> {
    let rules = context.rules?;
    if is_stored && !rules.is_strict() {
        return None;
    }
    nonconforming(&["version"], &context.check(result, is_cancelled, &[]))
}

/// Problems that the stored result did not have: all of entries that are new or changed, and of the others and
/// the whole those that were not told before.
fn introduced_problems<'i>(
    row: &annotation::Model,
    new_result: &'i NewResult,
    problems: Vec<Problem>,
    stored: Vec<Problem>,
) -> Vec<(Option<Key<'i>>, Problem)> {
    let texts: HashMap<_, _> = entries(&row.result)
        .into_iter()
        .map(|entry| (entry.key, entry.text))
        .collect();
    let changed: HashSet<_> = entries(&new_result.result)
        .into_iter()
        .filter(|entry| texts.get(&entry.key) != Some(&entry.text))
        .map(|entry| entry.key)
        .collect();
    let known = with_entries(&row.result, stored);
    let known: HashSet<_> = known
        .iter()
        .map(|(key, problem)| (key, rest(problem), problem.code, problem.message.as_str()))
        .collect();
    let is_known = |key: &Option<Key<'_>>, problem: &Problem| {
        let is_changed = key.as_ref().is_some_and(|key| changed.contains(key));
        let told = (key, rest(problem), problem.code, problem.message.as_str());
        !is_changed && known.contains(&told)
    };
    with_entries(&new_result.result, problems)
        .into_iter()
        .filter(|(key, problem)| !is_known(key, problem))
        .collect()
}

/// Problems that the sent entries have by themselves: none that comes of what is around them.
fn validate_entries_alone(
    result: &str,
    paths: &HashMap<Key<'static>, Path>,
    check: impl Fn(&str) -> Vec<Problem>,
) -> Vec<Problem> {
    let sent: Vec<_> = entries(result)
        .into_iter()
        .filter_map(|entry| Some((paths.get(&entry.key.into_owned())?, entry.text)))
        .collect();
    let problems = check(&list(sent.iter().map(|(_, text)| *text)));
    let alone = problems.into_iter().filter(|problem| {
        !matches!(
            problem.code,
            ProblemCode::Required | ProblemCode::UnknownRegion
        )
    });
    alone
        .filter_map(|problem| {
            let Some(Segment::Index(index)) = problem.path.first() else {
                return None;
            };
            let (path, _) = sent.get(*index)?;
            let path = path.iter().chain(rest(&problem)).cloned().collect();
            Some(Problem { path, ..problem })
        })
        .collect()
}

/// Problems with the entry that each is about; none for what is about the result as a whole.
fn with_entries(result: &str, problems: Vec<Problem>) -> Vec<(Option<Key<'_>>, Problem)> {
    let entries = entries(result);
    let key = |problem: &Problem| match problem.path.first() {
        Some(Segment::Index(index)) => Some(entries.get(*index)?.key.clone()),
        _ => None,
    };
    problems
        .into_iter()
        .map(|problem| (key(&problem), problem))
        .collect()
}

/// The path within the entry.
fn rest(problem: &Problem) -> &[Segment] {
    problem.path.get(1..).unwrap_or_default()
}

/// The problem at its place in the input; at the whole field when the entry was not sent.
fn at_input_path(
    paths: &HashMap<Key<'static>, Path>,
    field: &str,
    key: Option<Key<'_>>,
    problem: Problem,
) -> Problem {
    let sent = key.and_then(|key| paths.get(&key.into_owned()));
    let path = match sent {
        Some(path) => path.iter().chain(rest(&problem)).cloned().collect(),
        None => vec!["input".into(), field.into()],
    };
    Problem { path, ..problem }
}

/// One problem that stands for all of a result that nobody sent.
fn nonconforming(path: &[&str], problems: &[Problem]) -> Option<Problem> {
    let first = problems.first()?;
    let place = [&["result".into()], first.path.as_slice()].concat();
    let more = match problems.len() - 1 {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    Some(Problem::new(
        path.iter().copied(),
        ProblemCode::UnfitResult,
        format!(
            "the stored result does not fit the labelling config there: {}: {}{more}",
            dotted(&place),
            first.message
        ),
    ))
}
