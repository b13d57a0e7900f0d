//! Keys of an item outside the format: names of old releases, misspelt names, and lists in an item without `data`.

use serde_json::value::RawValue;

use super::fields::{Checker, Fields};
use crate::error::ProblemCode;

/// Name of a task's list of annotations.
pub const ANNOTATIONS: &str = "annotations";
/// Name of the list before Label Studio 1.0.
pub const COMPLETIONS: &str = "completions";
/// Lists of a task, each with the maximum edit distance of a misspelt name.
const LISTS: [(&str, usize); 4] = [
    (ANNOTATIONS, 2),
    ("predictions", 2),
    (COMPLETIONS, 2),
    ("drafts", 1),
];

/// Finds the list of a task's annotations: `completions` if `annotations` is absent or empty. Reports a problem when
/// both lists have items, since neither has precedence.
pub fn list_of_annotations(fields: &mut Fields, checker: &mut Checker) -> &'static str {
    let is_filled = |name| fields.peek(name).is_some_and(|list| !is_empty(list));
    let is_doubled = is_filled(ANNOTATIONS);
    if !is_filled(COMPLETIONS) {
        // An empty `completions` beside `annotations` carries no information and is dropped.
        fields.take(COMPLETIONS);
        return ANNOTATIONS;
    }
    fields.take(ANNOTATIONS);
    checker.within(COMPLETIONS, |checker| {
        if is_doubled {
            let message = "the item has `annotations` too: only one of them can count";
            checker.problem(ProblemCode::InvalidFormat, message);
        } else {
            checker.note("the name before Label Studio 1.0: read as `annotations`");
        }
    });
    COMPLETIONS
}

/// Takes the flags of a completion under their old names: skipped, and ground truth.
pub fn flags_of_completion(fields: &mut Fields, checker: &mut Checker) -> (bool, bool) {
    let mut flag = |name| checker.boolean(fields, name);
    (flag("skipped"), flag("honeypot"))
}

/// Searches an item without `data` for lists of a task. Results in a list are a problem: they would silently become
/// task data. A list or object without results may be data, and is noted.
pub fn check_data_alone(fields: &Fields, checker: &mut Checker) {
    for (name, _) in LISTS {
        let Some(text) = fields.peek(name) else {
            continue;
        };
        if has_results(text) {
            let message = format!("is missing: `{name}` belongs beside a task's `data`");
            checker.within("data", |checker| {
                checker.problem(ProblemCode::Required, &message);
            });
            return;
        }
        if text.starts_with(['[', '{']) {
            checker.within(name, |checker| {
                checker.note("the item has no `data`: this is part of the task's data");
            });
        }
    }
}

/// Notes keys next to `data` that resemble the name of a list: `annotation`, `Predictions`.
pub fn note_misspelt(fields: &Fields, checker: &mut Checker) {
    for key in fields.left() {
        let lower = key.to_lowercase();
        let is_near = |(name, most): &&(&str, usize)| strsim::osa_distance(&lower, name) <= *most;
        if let Some((name, _)) = LISTS.iter().find(is_near).filter(|(name, _)| *name != key) {
            checker.within(key, |checker| {
                checker.note(format!("kept as it is, and not read as `{name}`"));
            });
        }
    }
}

fn is_empty(list: &str) -> bool {
    serde_json::from_str::<Vec<&RawValue>>(list).is_ok_and(|items| items.is_empty())
}

/// Says whether a text is a list with an object that has a `result`.
fn has_results(text: &str) -> bool {
    let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let mut fields = items.into_iter().filter_map(|item| Fields::of(item.get()));
    fields.any(|fields| fields.has("result"))
}
