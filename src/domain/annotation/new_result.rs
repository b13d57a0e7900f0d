//! New result of a change: sent as a whole or as edits of single regions, against the current version or an older
//! version.

use std::collections::HashMap;

use label_studio::{
    edit::{self, Edits},
    entry::{Key, entries, list, name},
    merge::{MergeConflict, merge},
};

use super::command::{Change, RegionChanges};
use crate::{
    domain::{Patch, not_cleared},
    error::{Path, Problem, Segment},
};

/// Result that replaces the stored result.
#[derive(Debug)]
pub struct NewResult {
    pub result: String,
    pub region_count: usize,
    pub provenance: Provenance,
}

/// Positions of a new result's entries in the input.
#[derive(Debug)]
pub enum Provenance {
    /// All entries are in `result`, each at its own index.
    Whole,
    /// Only these entries were sent; further entries are the stored entries.
    Entries {
        paths: HashMap<Key<'static>, Path>,
        /// Input field with the entries.
        field: &'static str,
    },
}

/// Result of a change, merged into the stored result.
#[derive(Debug)]
pub enum ResultOutcome {
    /// The result stays.
    Unchanged,
    New(NewResult),
    /// A parallel change edited the same regions.
    Clash(MergeConflict),
}

/// Reports the problems of edits by themselves.
pub fn check_edits(changes: &RegionChanges) -> Vec<Problem> {
    let at = at("regions");
    let mut problems: Vec<Problem> = [
        ("upsert", changes.upsert.is_null()),
        ("remove", changes.remove.is_null()),
        ("removeEntries", changes.remove_entries.is_null()),
    ]
    .into_iter()
    .filter(|(_, null)| *null)
    .map(|(field, _)| not_cleared(&["input", "regions", field]))
    .collect();
    let edits = edits_of(changes.clone());
    let texts = list(edits.upsert.iter().map(String::as_str));
    let place = [at.as_slice(), &["upsert".into()]].concat();
    match json_fidelity::check_result(&texts, &place) {
        Ok(_) => problems.extend(edit::check(&edits, &at)),
        Err(found) => problems.extend(found),
    }
    problems
}

/// Builds edits without null parts.
fn edits_of(changes: RegionChanges) -> Edits {
    Edits {
        upsert: changes.upsert.or_default(),
        remove: changes.remove.or_default(),
        remove_entries: changes.remove_entries.or_default(),
    }
}

/// Applies a change to the current result. Takes the result and the edits out of the change, and answers with the
/// problems of the edits.
pub fn from_current(change: &mut Change, stored: &str) -> (ResultOutcome, Vec<Problem>) {
    let whole = std::mem::take(&mut change.result);
    let edits = std::mem::take(&mut change.regions).map(edits_of);
    let (new_result, problems) = match (whole, edits) {
        (Patch::Set(result), _) => {
            let new_result = NewResult {
                region_count: entries(&result).len(),
                result,
                provenance: Provenance::Whole,
            };
            (new_result, Vec::new())
        }
        (_, Patch::Set(edits)) => {
            let (edited, problems) = edit::edit(stored, &edits, &at("regions"));
            let new_result = NewResult {
                region_count: edited.region_count,
                result: edited.result,
                provenance: Provenance::Entries {
                    paths: paths_of_edits(&edits),
                    field: "regions",
                },
            };
            (new_result, problems)
        }
        _ => return (ResultOutcome::Unchanged, Vec::new()),
    };
    (if_changed(new_result, stored), problems)
}

/// Merges a change to an older result, `base`, into the stored result. Takes the result and the edits out of the
/// change, and answers with the problems of the edits.
pub fn merge_into_current(
    change: &mut Change,
    base: &str,
    stored: &str,
) -> (ResultOutcome, Vec<Problem>) {
    let whole = std::mem::take(&mut change.result);
    let edits = std::mem::take(&mut change.regions).map(edits_of);
    let (ours, sent, problems) = match (whole, edits) {
        (Patch::Set(result), _) => {
            let paths = paths_of_whole(&result);
            (result, (paths, "result"), Vec::new())
        }
        (_, Patch::Set(edits)) => {
            let (edited, problems) = edit::edit(base, &edits, &at("regions"));
            (edited.result, (paths_of_edits(&edits), "regions"), problems)
        }
        _ => return (ResultOutcome::Unchanged, Vec::new()),
    };
    let result = match merge(base, &ours, stored) {
        Ok(result) => result,
        Err(clash) => return (ResultOutcome::Clash(clash), problems),
    };
    let (paths, field) = sent;
    let new_result = NewResult {
        region_count: entries(&result).len(),
        result,
        provenance: Provenance::Entries { paths, field },
    };
    (if_changed(new_result, stored), problems)
}

/// Keeps the stored text if equivalent: imported text stays exact even when a client sends the value back
/// re-serialised.
fn if_changed(new_result: NewResult, stored: &str) -> ResultOutcome {
    if json_fidelity::are_equivalent(stored, &new_result.result) {
        ResultOutcome::Unchanged
    } else {
        ResultOutcome::New(new_result)
    }
}

fn paths_of_whole(result: &str) -> HashMap<Key<'static>, Path> {
    let keys = entries(result).into_iter().map(|entry| entry.key);
    keys.enumerate()
        .map(|(index, key)| (key.into_owned(), path("result", [index.into()])))
        .collect()
}

fn paths_of_edits(edits: &Edits) -> HashMap<Key<'static>, Path> {
    let names = edits.upsert.iter().map(|entry| name(entry));
    names
        .enumerate()
        .map(|(index, name)| {
            let key = Key { name, nth: 0 };
            let path = path("regions", ["upsert".into(), index.into()]);
            (key.into_owned(), path)
        })
        .collect()
}

fn at(field: &str) -> [Segment; 2] {
    ["input".into(), field.into()]
}

fn path<const N: usize>(field: &str, rest: [Segment; N]) -> Path {
    at(field).into_iter().chain(rest).collect()
}
