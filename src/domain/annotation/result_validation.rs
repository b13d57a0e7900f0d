//! Validates results against the labelling config of their project (`docs/decisions/0011-checks.md`).

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

/// Rules for the results of a task.
#[derive(Clone, Copy)]
pub struct ValidationContext<'a> {
    /// Absent if every result conforms.
    pub rules: Option<&'a Rules>,
    /// Task data; read by strict rules alone.
    pub data: &'a str,
}

/// Reports the problems of a new annotation's result.
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

/// Says whether the change brings a result that has to conform, or puts the stored result under different rules.
pub fn needs_validation(change: &Change, row: &annotation::Model) -> bool {
    let returns = row.was_cancelled && change.was_cancelled == Patch::Set(false);
    change.makes_result() || change.task_id.is_sent() || returns
}

/// Problems of a changed annotation's result. `task` is the task after the change.
///
/// A stored result was accepted and stays accepted under any later config of its project, until a move to a different
/// project. Strict projects look at it again when it comes to another task, and when the task is no longer skipped.
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
        // Reports only problems caused by this change: a region can be edited beside a region that never conformed.
        Some((new_result, Provenance::Entries { paths, field })) => {
            let problems = check(&new_result.result);
            if problems.is_empty() {
                return problems;
            }
            // After a move, problems under the former config do not excuse problems under the new config.
            let stored = if moves {
                Vec::new()
            } else {
                context.check(&row.result, row.was_cancelled, &[])
            };
            if stored.len() >= MAX_VIOLATIONS {
                // Problems past the limit were not reported, so stored problems can't be told from new problems:
                // checks the sent entries alone.
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

/// Reports the problems of an old result that returns to a task; strict projects alone check a result equal to the
/// stored result.
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

/// Filters the problems that the stored result did not have: all problems of new and changed entries, and for other
/// entries and the whole result the problems that were not known.
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

/// Reports the problems of the sent entries by themselves, without problems that concern surrounding entries.
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
    // By themselves, sent entries lack the entries to which these two rules refer.
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

/// Pairs problems with the entries in question; problems of the whole result have no entry.
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

/// Returns the path within the entry.
fn rest(problem: &Problem) -> &[Segment] {
    problem.path.get(1..).unwrap_or_default()
}

/// Moves a problem to its position in the input; to the whole field if the entry was not sent.
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

/// Combines the problems of a result that no client sent into a single problem.
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
