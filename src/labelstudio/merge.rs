//! Three-way merge of results: two edits of one result become one, unless both touched the same entry.

use std::collections::{HashMap, HashSet};

use super::{
    document::are_alike,
    entry::{Entry, Key, entries, list},
};

/// Both edits touched something, each in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Ids of the regions that both touched, each once, in the order of the merged results. Entries without
    /// an id have none here, so the list can be empty.
    pub region_ids: Vec<String>,
}

/// Brings the edits from `base` to `ours` into `theirs`, which was edited from the same base.
///
/// An entry that one side alone changed, added or removed is as that side left it; what both did alike is
/// done once. What is left is a [`Clash`]. Entries are told apart as [`Key`] says, and are the same when
/// this server would store them alike.
///
/// The order is that of `theirs`, with what `ours` added at the end; only when `ours` alone put entries into
/// another order is it the other way round.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Result<String, Clash> {
    let (base, ours, theirs) = (entries(base), entries(ours), entries(theirs));
    let sides = [&base, &ours, &theirs].map(|entries| texts(entries));
    let [in_base, in_ours, in_theirs] = &sides;
    let mut clashing = Vec::new();
    let mut merged: HashMap<&Key<'_>, &str> = HashMap::with_capacity(theirs.len());
    let all = theirs.iter().chain(&ours).chain(&base);
    let mut seen = HashSet::new();
    for Entry { key, .. } in all.filter(|entry| seen.insert(&entry.key)) {
        let [was, our, their] = [in_base, in_ours, in_theirs].map(|side| side.get(key).copied());
        let kept = if are_same(our, was) {
            their
        } else if are_same(their, was) || are_same(our, their) {
            our
        } else {
            clashing.push(key);
            continue;
        };
        merged.extend(kept.map(|text| (key, text)));
    }
    if !clashing.is_empty() {
        return Err(clash(&clashing));
    }
    let (first, second) = if is_reordered(&base, &ours) && !is_reordered(&base, &theirs) {
        (&ours, &theirs)
    } else {
        (&theirs, &ours)
    };
    let mut placed = HashSet::with_capacity(merged.len());
    let order = first.iter().chain(second).map(|entry| &entry.key);
    let texts = order.filter(|key| placed.insert(*key));
    Ok(list(texts.filter_map(|key| merged.get(key).copied())))
}

fn texts<'e, 'a>(entries: &'e [Entry<'a>]) -> HashMap<&'e Key<'a>, &'a str> {
    let pairs = entries.iter().map(|entry| (&entry.key, entry.text));
    pairs.collect()
}

fn are_same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => are_alike(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// What is in both has another order in `after`.
fn is_reordered(before: &[Entry<'_>], after: &[Entry<'_>]) -> bool {
    let places: HashMap<_, _> = before
        .iter()
        .enumerate()
        .map(|(place, entry)| (&entry.key, place))
        .collect();
    let kept = after.iter().filter_map(|entry| places.get(&entry.key));
    !kept.is_sorted()
}

fn clash(keys: &[&Key<'_>]) -> Clash {
    let mut seen = HashSet::new();
    let ids = keys.iter().filter_map(|key| key.name.id());
    Clash {
        region_ids: ids
            .filter(|id| seen.insert(*id))
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A result in which every name is there once at most: `(id, control) -> value`.
    type Edited = BTreeMap<(u8, u8), u8>;

    fn result(entries: &Edited) -> String {
        let entries: Vec<String> = entries
            .iter()
            .map(|((id, control), value)| match control {
                0 => format!(
                    r#"{{"type":"relation","from_id":"r{id}","to_id":"r0","labels":["{value}"]}}"#
                ),
                _ => format!(r#"{{"id":"r{id}","from_name":"c{control}","value":{value}}}"#),
            })
            .collect();
        list(entries.iter().map(String::as_str))
    }

    /// What is in a result, whatever its order.
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

    /// The edit, but only of the ids of one half.
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
        assert_eq!(merge(base, ours, theirs), Err(Clash { region_ids }));
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
    fn spelling_is_no_edit() {
        let base = r#"[ {"id": "a", "x": 1e2} , {"id":"b"}]"#;
        let ours = r#"[{"id":"a","x":100.0},{"id":"b","y":1}]"#;
        let theirs = r#"[{"id":"a","x":5},{"id":"b"}]"#;
        let merged = merge(base, ours, theirs).unwrap();
        assert_eq!(merged, r#"[{"id":"a","x":5},{"id":"b","y":1}]"#);
    }
}
