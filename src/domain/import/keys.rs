//! Keys of an item that are not those of the format: names of old versions, misspelt ones, and lists of a task
//! that has no `data`.

use serde_json::value::RawValue;

use super::fields::{Checker, Fields};
use crate::error::ProblemCode;

pub const ANNOTATIONS: &str = "annotations";
/// The name of the list before Label Studio 1.0.
pub const COMPLETIONS: &str = "completions";
/// The lists of a task, each with how many letters a misspelt name of it may differ by.
const LISTS: [(&str, usize); 4] = [
    (ANNOTATIONS, 2),
    ("predictions", 2),
    (COMPLETIONS, 2),
    ("drafts", 1),
];

/// The list that has a task's annotations: `completions` where there are no `annotations`. A problem when both have
/// items, since nothing says which ones count.
pub fn list_of_annotations(fields: &mut Fields, checker: &mut Checker) -> &'static str {
    let is_filled = |name| fields.peek(name).is_some_and(|list| !is_empty(list));
    let is_doubled = is_filled(ANNOTATIONS);
    if !is_filled(COMPLETIONS) {
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

/// Whether a completion was skipped, and whether it is a ground truth, by the names of then.
pub fn flags_of_completion(fields: &mut Fields, checker: &mut Checker) -> (bool, bool) {
    let mut flag = |name| checker.boolean(fields, name);
    (flag("skipped"), flag("honeypot"))
}

/// Looks for lists of a task in an item that is data alone. Results in one are a problem: they would become data
/// that nobody asked for. Another list or object may be data, and is noted.
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

/// Notes keys beside `data` that are nearly the name of a list: `annotation`, `Predictions`.
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

/// Whether a text is a list in which an object has a `result`.
fn has_results(text: &str) -> bool {
    let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let mut fields = items.into_iter().filter_map(|item| Fields::of(item.get()));
    fields.any(|fields| fields.has("result"))
}
