//! Edits of single regions of a result. The text of all further entries stays.

use std::collections::{HashMap, HashSet};

use problem::{Problem, ProblemCode, Segment};

use super::entry::{Entry, Name, entries, list, name};

/// Edits of single entries of a result.
///
/// Entries are addressed by region id and control, relations by both ends.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Entries to insert or replace, each a JSON object as text. Replaced entries keep their position.
    pub upsert: Vec<String>,
    /// Ids of regions to remove, with all entries and relations.
    pub remove: Vec<String>,
    /// Single entries to remove, by region id and control.
    pub remove_entries: Vec<(String, String)>,
}

/// Edited result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// A JSON list of objects.
    pub result: String,
    /// Number of entries in `result`.
    pub region_count: usize,
}

/// Checks edits without a result: entries without an id, and repeated names. `at` is the path of the edits.
pub fn check(edits: &Edits, at: &[Segment]) -> Vec<Problem> {
    let problem = |field: &str, index: usize, step: Option<&str>, code, message: &str| {
        let path = at.iter().cloned().chain([field.into(), index.into()]);
        Problem::new(path.chain(step.map(Segment::from)), code, message)
    };
    let twice = |field, index, message| {
        let code = ProblemCode::InvalidFormat;
        problem(field, index, None, code, message)
    };
    let mut problems = Vec::new();
    let removed: HashSet<&str> = edits.remove.iter().map(String::as_str).collect();
    let mut named = HashSet::new();
    for (index, entry) in edits.upsert.iter().enumerate() {
        let name = name(entry);
        // Without an id a second request with the same edit would add the entry again.
        if matches!(&name, Name::Region { id: None, .. }) {
            let message = "an entry that is sent alone needs an id, a relation both its ends";
            let code = ProblemCode::Required;
            problems.push(problem("upsert", index, Some("id"), code, message));
        } else if name.region_ids().any(|id| removed.contains(id)) {
            let message = "the region is to be removed as well";
            problems.push(twice("upsert", index, message));
        } else if !named.insert(name) {
            let message = "an entry before it has the same id and control, or the same ends";
            problems.push(twice("upsert", index, message));
        }
    }
    let mut seen = HashSet::new();
    for (index, id) in edits.remove.iter().enumerate() {
        if !seen.insert(id) {
            problems.push(twice("remove", index, "the region is named before"));
        }
    }
    let mut seen = HashSet::new();
    for (index, (id, control)) in edits.remove_entries.iter().enumerate() {
        let name = Name::Region {
            id: Some(id.into()),
            from_name: Some(control.into()),
        };
        let is_named = removed.contains(id.as_str()) || named.contains(&name);
        if is_named || !seen.insert((id, control)) {
            problems.push(twice("removeEntries", index, "the entry is named before"));
        }
    }
    problems
}

/// Applies edits to a result, as far as possible. Removals of missing entries are problems, and so are replacements of
/// ambiguous entries. `at` is the path of the edits.
pub fn edit(result: &str, edits: &Edits, at: &[Segment]) -> (Edited, Vec<Problem>) {
    // All problems are reported at once; the caller stores the result only without problems.
    let entries = entries(result);
    let mut problems = ambiguous(&entries, edits, at);
    problems.extend(missing(&entries, edits, at));
    let removed: HashSet<&str> = edits.remove.iter().map(String::as_str).collect();
    let single: HashSet<(&str, &str)> = edits
        .remove_entries
        .iter()
        .map(|(id, control)| (id.as_str(), control.as_str()))
        .collect();
    let goes = |name: &Name<'_>| {
        let is_single = match name {
            Name::Region {
                id: Some(id),
                from_name: Some(control),
            } => single.contains(&(&**id, &**control)),
            _ => false,
        };
        is_single || name.region_ids().any(|id| removed.contains(id))
    };
    let new: Vec<Name<'_>> = edits.upsert.iter().map(|entry| name(entry)).collect();
    let by_name: HashMap<&Name<'_>, usize> = new.iter().zip(0..).collect();
    let mut is_placed = vec![false; new.len()];
    let mut texts: Vec<&str> = Vec::with_capacity(entries.len() + new.len());
    for entry in entries.iter().filter(|entry| !goes(&entry.key.name)) {
        let upserted = by_name.get(&entry.key.name).copied();
        // Repeated names are problems (`ambiguous`); the first entry is replaced all the same.
        match upserted.filter(|_| entry.key.nth == 0) {
            Some(index) => {
                is_placed[index] = true;
                texts.push(&edits.upsert[index]);
            }
            None => texts.push(entry.text),
        }
    }
    // New entries go to the end, in the order of the edits.
    let last = edits.upsert.iter().zip(is_placed);
    texts.extend(
        last.filter(|(_, placed)| !placed)
            .map(|(entry, _)| &**entry),
    );
    let edited = Edited {
        result: list(texts.iter().copied()),
        region_count: texts.len(),
    };
    (edited, problems)
}

/// Finds replacements that match several entries.
fn ambiguous(entries: &[Entry<'_>], edits: &Edits, at: &[Segment]) -> Vec<Problem> {
    let repeated = entries.iter().filter(|entry| entry.key.nth > 0);
    let repeated: HashSet<&Name<'_>> = repeated.map(|entry| &entry.key.name).collect();
    let upserts = edits.upsert.iter().enumerate();
    upserts
        .filter(|(_, entry)| repeated.contains(&name(entry)))
        .map(|(index, _)| {
            let path = at.iter().cloned().chain(["upsert".into(), index.into()]);
            let message = "the annotation has several entries with this id and control, or with these ends: send the whole result";
            Problem::new(path, ProblemCode::InvalidFormat, message)
        })
        .collect()
}

fn missing(entries: &[Entry<'_>], edits: &Edits, at: &[Segment]) -> Vec<Problem> {
    let ids: HashSet<&str> = entries
        .iter()
        .filter_map(|entry| entry.key.name.id())
        .collect();
    let single: HashSet<(&str, &str)> = entries
        .iter()
        .filter_map(|entry| match &entry.key.name {
            Name::Region {
                id: Some(id),
                from_name: Some(control),
            } => Some((&**id, &**control)),
            _ => None,
        })
        .collect();
    let problem = |field: &str, index: usize, message: &str| {
        let path = at.iter().cloned().chain([field.into(), index.into()]);
        Problem::new(path, ProblemCode::UnknownRegion, message)
    };
    let regions = edits.remove.iter().enumerate();
    let regions = regions
        .filter(|(_, id)| !ids.contains(id.as_str()))
        .map(|(index, _)| problem("remove", index, "the annotation has no region with this id"));
    let single_entries = edits.remove_entries.iter().enumerate();
    let single_entries = single_entries
        .filter(|(_, (id, control))| !single.contains(&(id.as_str(), control.as_str())))
        .map(|(index, _)| {
            let message = "the annotation has no region with this id from this control";
            problem("removeEntries", index, message)
        });
    regions.chain(single_entries).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"[{"id":"a","from_name":"box","v":1.0},{"id":"a","from_name":"note","v":"x"}, {"id":"b","from_name":"box"},{"type":"relation","from_id":"a","to_id":"b","direction":"right"}]"#;

    fn edits(upsert: &[&str], remove: &[&str], single: &[(&str, &str)]) -> Edits {
        Edits {
            upsert: upsert.iter().map(|entry| (*entry).to_owned()).collect(),
            remove: remove.iter().map(|id| (*id).to_owned()).collect(),
            remove_entries: single
                .iter()
                .map(|(id, control)| ((*id).to_owned(), (*control).to_owned()))
                .collect(),
        }
    }

    fn codes(problems: &[Problem]) -> Vec<(String, ProblemCode)> {
        problems
            .iter()
            .map(|problem| (problem::dotted(&problem.path), problem.code))
            .collect()
    }

    #[test]
    fn an_entry_takes_the_place_of_its_namesake_or_comes_last() {
        let new = [
            r#"{"id":"a","from_name":"note","v":"y"}"#,
            r#"{"id":"c","from_name":"box"}"#,
            r#"{"type":"relation","from_id":"a","to_id":"b","direction":"bi"}"#,
        ];
        let (edited, problems) = edit(RESULT, &edits(&new, &[], &[]), &[]);
        assert!(problems.is_empty());
        let expected = format!(
            r#"[{{"id":"a","from_name":"box","v":1.0}},{},{{"id":"b","from_name":"box"}},{},{}]"#,
            new[0], new[2], new[1]
        );
        assert_eq!(edited.result, expected);
        assert_eq!(edited.region_count, 5);
    }

    #[test]
    fn a_region_goes_with_its_entries_and_relations_a_single_entry_alone() {
        let (edited, _) = edit(RESULT, &edits(&[], &["a"], &[]), &[]);
        assert_eq!(edited.result, r#"[{"id":"b","from_name":"box"}]"#);
        let (edited, _) = edit(RESULT, &edits(&[], &[], &[("a", "note")]), &[]);
        assert_eq!(edited.region_count, 3);
        assert!(edited.result.contains("relation"), "{}", edited.result);
    }

    #[test]
    fn what_is_not_there_can_not_be_removed() {
        let wrong = edits(&[], &["b", "z"], &[("a", "z"), ("a", "box")]);
        let (_, problems) = edit(RESULT, &wrong, &["input".into()]);
        let unknown = |path: &str| (path.to_owned(), ProblemCode::UnknownRegion);
        let expected = ["input.remove.1", "input.removeEntries.0"].map(unknown);
        assert_eq!(codes(&problems), expected);
    }

    #[test]
    fn what_could_take_the_place_of_several_takes_none() {
        let twice = r#"[{"id":"a","from_name":"c"},{"id":"a","from_name":"c","v":2}]"#;
        let new = [r#"{"id":"a","from_name":"c","v":3}"#];
        let (_, problems) = edit(twice, &edits(&new, &[], &[]), &[]);
        let expected = ("upsert.0".to_owned(), ProblemCode::InvalidFormat);
        assert_eq!(codes(&problems), [expected]);
    }

    #[test]
    fn edits_name_every_entry_once() {
        let wrong = edits(
            &[
                r#"{"from_name":"box"}"#,
                r#"{"id":"a","from_name":"box"}"#,
                r#"{"id":"a","from_name":"note"}"#,
                r#"{"from_name":"box","id":"a"}"#,
                r#"{"id":"b","from_name":"box"}"#,
                r#"{"type":"relation","from_id":"a"}"#,
                r#"{"type":"relation","from_id":"a","to_id":"b"}"#,
            ],
            &["b", "c", "c"],
            &[("a", "note"), ("c", "x")],
        );
        let expected = [
            ("upsert.0.id", ProblemCode::Required),
            ("upsert.3", ProblemCode::InvalidFormat),
            ("upsert.4", ProblemCode::InvalidFormat),
            ("upsert.5.id", ProblemCode::Required),
            ("upsert.6", ProblemCode::InvalidFormat),
            ("remove.2", ProblemCode::InvalidFormat),
            ("removeEntries.0", ProblemCode::InvalidFormat),
            ("removeEntries.1", ProblemCode::InvalidFormat),
        ];
        let expected = expected.map(|(path, code)| (path.to_owned(), code));
        assert_eq!(codes(&check(&wrong, &[])), expected);
    }
}
