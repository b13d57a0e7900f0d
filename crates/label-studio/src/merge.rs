//! Three-way merge of results. Two edits of a base conflict when both touch the same entry in different ways.
//!
//! Works as diff3 does, by entries instead of lines
//! (<https://www.gnu.org/software/diffutils/manual/html_node/diff3-Merging.html>).

use std::collections::{HashMap, HashSet};

use json_fidelity::are_equivalent;

use super::entry::{Entry, Name, entries, list};

/// Conflict: both edits touched the same entries in different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeConflict {
    /// Ids of the regions in conflict, each once, in the order of the merged results. Empty when only entries without
    /// an id conflict.
    pub region_ids: Vec<String>,
}

/// Merges the edits from `base` to `ours` into `theirs`, which was edited from the same base.
///
/// Takes entries that a single side changed, added or removed from that side. Equal edits of both sides apply once,
/// different edits are a [`MergeConflict`]. Entries are identified by [`Name`]; entries with equal names merge as a
/// unit, and texts are compared by [`are_equivalent`].
///
/// The removal of a region also conflicts with changed or added entries that refer to the region: an entry with the id,
/// a relation with an end at the region. Example: `ours` removes the region `a`, `theirs` adds a relation from `a` to
/// `b`.
///
/// The order follows `theirs`, with additions of `ours` at the end; when `ours` alone reordered entries, the order
/// follows `ours`, with additions of `theirs` at the end.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Result<String, MergeConflict> {
    let (base, ours, theirs) = (entries(base), entries(ours), entries(theirs));
    let sides = [&base, &ours, &theirs].map(|entries| by_name(entries));
    let [in_base, in_ours, in_theirs] = &sides;
    // Regions of the base without any entry left on a side.
    let gone = |side: &Named<'_, '_>| -> HashSet<&str> {
        let left: HashSet<&str> = side.keys().filter_map(|name| name.id()).collect();
        let all = in_base.keys().filter_map(|name| name.id());
        all.filter(|id| !left.contains(id)).collect()
    };
    let (gone_in_ours, gone_in_theirs) = (gone(in_ours), gone(in_theirs));
    let mut clashing: Vec<&str> = Vec::new();
    let mut has_clash = false;
    let mut merged: Named<'_, '_> = HashMap::with_capacity(theirs.len());
    let all = theirs.iter().chain(&ours).chain(&base);
    let mut seen = HashSet::new();
    for name in all.map(|entry| &entry.key.name) {
        interrupt::check();
        if !seen.insert(name) {
            continue;
        }
        let [was, our, their] = [in_base, in_ours, in_theirs]
            .map(|side| side.get(name).map(Vec::as_slice).unwrap_or_default());
        let differ = !are_same(our, their);
        let (we, they) = (!are_same(our, was), !are_same(their, was));
        // Finds a region of an edited entry that the opposite side has removed as a whole.
        let lost = |edits: bool, side: &[&str], gone: &HashSet<&str>| {
            let is_made = edits && differ && !side.is_empty();
            name.region_ids().find(|id| is_made && gone.contains(id))
        };
        let orphan = lost(we, our, &gone_in_theirs).or_else(|| lost(they, their, &gone_in_ours));
        // Collects all conflicts before the refusal, so that the client sees every region at once.
        if orphan.is_some() || (we && they && differ) {
            has_clash = true;
            clashing.extend(orphan.or_else(|| name.id()));
            continue;
        }
        // After equal edits of both sides either text serves, as the texts are equivalent.
        merged.insert(name, if we { our.to_vec() } else { their.to_vec() });
    }
    if has_clash {
        let mut seen = HashSet::new();
        let ids = clashing.into_iter().filter(|id| seen.insert(*id));
        return Err(MergeConflict {
            region_ids: ids.map(str::to_owned).collect(),
        });
    }
    let (first, second) = if is_reordered(&base, &ours) && !is_reordered(&base, &theirs) {
        (&ours, &theirs)
    } else {
        (&theirs, &ours)
    };
    let mut placed: HashMap<&Name<'_>, usize> = HashMap::with_capacity(merged.len());
    let names = first.iter().chain(second).map(|entry| &entry.key.name);
    // Both sides list unchanged entries: `placed` counts the texts of a name that are written, so that each text
    // appears once.
    let texts = names.filter_map(|name| {
        let next = placed.entry(name).or_default();
        let text = *merged.get(name)?.get(*next)?;
        *next += 1;
        Some(text)
    });
    Ok(list(texts))
}

/// Texts of the entries of a result, by name. Entries with equal names stay in order.
type Named<'e, 'a> = HashMap<&'e Name<'a>, Vec<&'a str>>;

fn by_name<'e, 'a>(entries: &'e [Entry<'a>]) -> Named<'e, 'a> {
    let mut named = Named::with_capacity(entries.len());
    for entry in entries {
        named.entry(&entry.key.name).or_default().push(entry.text);
    }
    named
}

fn are_same(one: &[&str], other: &[&str]) -> bool {
    let mut pairs = one.iter().zip(other);
    one.len() == other.len() && pairs.all(|(one, other)| are_equivalent(one, other))
}

/// True when common entries have a different order in `after`.
fn is_reordered(before: &[Entry<'_>], after: &[Entry<'_>]) -> bool {
    let places: HashMap<_, _> = before
        .iter()
        .enumerate()
        .map(|(place, entry)| (&entry.key, place))
        .collect();
    let kept = after.iter().filter_map(|entry| places.get(&entry.key));
    !kept.is_sorted()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Result without repeated names: `(id, control) -> value`.
    type Edited = BTreeMap<(u8, u8), u8>;

    fn result(entries: &Edited) -> String {
        let entries: Vec<String> = entries
            .iter()
            .map(|((id, control), value)| match control {
                0 => format!(
                    r#"{{"type":"relation","from_id":"r{id}","to_id":"r{id}","labels":["{value}"]}}"#
                ),
                _ => format!(r#"{{"id":"r{id}","from_name":"c{control}","value":{value}}}"#),
            })
            .collect();
        list(entries.iter().map(String::as_str))
    }

    /// Entries of a result without regard to order.
    fn content(result: &str) -> Vec<String> {
        let mut texts: Vec<String> = entries(result)
            .iter()
            .map(|entry| entry.text.to_owned())
            .collect();
        texts.sort();
        texts
    }

    fn edited() -> impl Strategy<Value = Edited> {
        prop::collection::btree_map((0u8..5, 0u8..3), 0u8..3, 0..8)
    }

    /// True for a region without entries on a side.
    fn is_gone(base: &Edited, side: &Edited, id: u8) -> bool {
        let has = |side: &Edited| {
            side.keys()
                .any(|(other, control)| *other == id && *control > 0)
        };
        has(base) && !has(side)
    }

    /// Applies the edit to the ids of one half only.
    fn half(base: &Edited, edit: &Edited, parity: u8) -> Edited {
        let ours = |(id, _): &(u8, u8)| id % 2 == parity;
        let kept = base.iter().filter(|(key, _)| !ours(key));
        let changed = edit.iter().filter(|(key, _)| ours(key));
        kept.chain(changed)
            .map(|(key, value)| (*key, *value))
            .collect()
    }

    proptest! {
        #[test]
        fn without_an_edit_of_ours_theirs_stays(base in edited(), theirs in edited()) {
            let (base, theirs) = (result(&base), result(&theirs));
            prop_assert_eq!(merge(&base, &base, &theirs), Ok(theirs.clone()));
            let merged = merge(&base, &theirs, &base).unwrap();
            prop_assert_eq!(content(&merged), content(&theirs));
            prop_assert_eq!(merge(&base, &theirs, &theirs), Ok(theirs));
        }

        #[test]
        fn no_edit_is_lost(base in edited(), ours in edited(), theirs in edited()) {
            let merged = merge(&result(&base), &result(&ours), &result(&theirs));
            let keys = base.keys().chain(ours.keys()).chain(theirs.keys());
            let mut expected = Edited::new();
            let mut clashes = false;
            for key in keys {
                let [was, our, their] = [&base, &ours, &theirs].map(|side| side.get(key));
                let (we, they) = (our != was, their != was);
                clashes |= we && they && our != their;
                clashes |= we && our != their && our.is_some() && is_gone(&base, &theirs, key.0);
                clashes |= they && our != their && their.is_some() && is_gone(&base, &ours, key.0);
                let value = if we { our } else { their };
                expected.extend(value.map(|value| (*key, *value)));
            }
            match merged {
                Ok(merged) => {
                    prop_assert!(!clashes);
                    prop_assert_eq!(content(&merged), content(&result(&expected)));
                }
                Err(_) => prop_assert!(clashes),
            }
        }

        #[test]
        fn who_comes_first_does_not_matter(base in edited(), one in edited(), other in edited()) {
            let [base, one, other] = [base, one, other].map(|side| result(&side));
            let first = merge(&base, &one, &other).map(|merged| content(&merged));
            let second = merge(&base, &other, &one).map(|merged| content(&merged));
            prop_assert_eq!(first.is_ok(), second.is_ok());
            if let (Ok(first), Ok(second)) = (first, second) {
                prop_assert_eq!(first, second);
            }
        }

        #[test]
        fn edits_of_different_regions_never_clash(base in edited(), edit in edited()) {
            let (even, odd) = (half(&base, &edit, 0), half(&base, &edit, 1));
            let merged = merge(&result(&base), &result(&even), &result(&odd)).unwrap();
            prop_assert_eq!(content(&merged), content(&result(&edit)));
        }

        #[test]
        fn anything_can_be_merged(base in ".{0,40}", ours in r#"[\[\]{}:,"a-c01 ]{0,40}"#) {
            let _ = merge(&base, &ours, "[{\"id\":\"a\"}]");
        }
    }

    #[test]
    fn overlapping_edits_clash_by_region() {
        let base = r#"[{"id":"a","v":1},{"id":"b","v":1},{"id":"c","v":1}]"#;
        let ours = r#"[{"id":"a","v":2},{"id":"b","v":2}]"#;
        let theirs = r#"[{"id":"a","v":3},{"id":"c","v":3}]"#;
        let region_ids = ["a", "c", "b"].map(str::to_owned).to_vec();
        assert_eq!(merge(base, ours, theirs), Err(MergeConflict { region_ids }));
    }

    #[test]
    fn the_order_is_theirs_unless_ours_alone_changed_it() {
        let base = r#"[{"id":"a"},{"id":"b"}]"#;
        let [added, swapped] = [
            r#"[{"id":"x"},{"id":"a"},{"id":"b"}]"#,
            r#"[{"id":"b"},{"id":"a"}]"#,
        ];
        let order = |ours, theirs| merge(base, ours, theirs).unwrap();
        assert_eq!(
            order(added, swapped),
            r#"[{"id":"b"},{"id":"a"},{"id":"x"}]"#
        );
        assert_eq!(
            order(swapped, added),
            r#"[{"id":"b"},{"id":"a"},{"id":"x"}]"#
        );
        let other = r#"[{"id":"a"},{"id":"y"},{"id":"b"}]"#;
        assert_eq!(
            order(added, other),
            r#"[{"id":"a"},{"id":"y"},{"id":"b"},{"id":"x"}]"#
        );
    }

    #[test]
    fn entries_of_one_name_are_merged_as_one() {
        let base = r#"[{"v":1},{"v":2},{"v":3}]"#;
        let (ours, theirs) = (r#"[{"v":1},{"v":2}]"#, r#"[{"v":2},{"v":3}]"#);
        assert_eq!(merge(base, ours, base).as_deref(), Ok(ours));
        assert!(merge(base, ours, theirs).is_err());
        assert_eq!(merge(base, base, theirs).as_deref(), Ok(theirs));
    }

    #[test]
    fn nothing_speaks_of_what_the_other_side_removed() {
        let base = r#"[{"id":"a"},{"id":"b"}]"#;
        let without = r#"[{"id":"a"}]"#;
        for speaks in [
            r#"[{"id":"a"},{"id":"b"},{"id":"b","from_name":"note"}]"#,
            r#"[{"id":"a"},{"id":"b"},{"type":"relation","from_id":"a","to_id":"b"}]"#,
        ] {
            let region_ids = vec!["b".to_owned()];
            let expected = Err(MergeConflict { region_ids });
            assert_eq!(merge(base, speaks, without), expected);
            assert_eq!(merge(base, without, speaks), expected);
        }
    }

    #[test]
    fn spelling_is_no_edit() {
        let base = r#"[ {"id": "a", "x": 1e2} , {"id":"b"}]"#;
        let ours = r#"[{"id":"a","x":100.0},{"id":"b","y":1}]"#;
        let theirs = r#"[{"id":"a","x":5},{"id":"b"}]"#;
        let merged = merge(base, ours, theirs).unwrap();
        assert_eq!(merged, r#"[{"id":"a","x":5},{"id":"b","y":1}]"#);
    }
}
