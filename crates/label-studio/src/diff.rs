//! Differences between two results: added, removed and changed entries.

use std::collections::HashMap;

use json_fidelity::are_equivalent;

use super::entry::{Entry, Key, entries};

/// Differing entries of two results. Added and changed entries are in the order of `after`, removed entries in the
/// order of `before`. A different order alone is no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// JSON objects.
    pub added: Vec<String>,
    /// JSON objects.
    pub removed: Vec<String>,
    /// Entries of both results with different content.
    pub changed: Vec<Changed>,
}

/// Entry of both results with different content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Id of the region, or `None` for a relation or a region without id.
    pub id: Option<String>,
    /// A JSON object.
    pub before: String,
    /// A JSON object.
    pub after: String,
}

/// Compares two results. Entries are matched by [`Key`] and compared by [`are_equivalent`].
pub fn diff(before: &str, after: &str) -> Diff {
    let (before, after) = (entries(before), entries(after));
    // Holds the entries of `before` that `after` has not matched: the removed entries at the end.
    let mut gone: HashMap<&Key<'_>, &Entry<'_>> =
        before.iter().map(|entry| (&entry.key, entry)).collect();
    let mut diff = Diff::default();
    for entry in &after {
        interrupt::check();
        match gone.remove(&entry.key) {
            None => diff.added.push(entry.text.to_owned()),
            Some(was) if are_equivalent(was.text, entry.text) => {}
            Some(was) => diff.changed.push(Changed {
                id: entry.key.name.id().map(str::to_owned),
                before: was.text.to_owned(),
                after: entry.text.to_owned(),
            }),
        }
    }
    let removed = before.iter().filter(|entry| gone.contains_key(&entry.key));
    diff.removed = removed.map(|entry| entry.text.to_owned()).collect();
    diff
}

/// True when an entry of `before` is missing from `after` or has changed.
pub fn loses_entries(before: &str, after: &str) -> bool {
    let (before, after) = (entries(before), entries(after));
    let after: HashMap<&Key<'_>, &str> =
        after.iter().map(|entry| (&entry.key, entry.text)).collect();
    let is_kept = |entry: &Entry<'_>| {
        let text = after.get(&entry.key);
        text.is_some_and(|text| are_equivalent(entry.text, text))
    };
    !before.iter().all(is_kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entries_are_added_removed_and_changed() {
        let before = r#"[{"id":"a","from_name":"box","v":1},{"id":"b","v":1},{"id":"c"},
            {"id":"a","from_name":"note","v":1},{"type":"relation","from_id":"a","to_id":"b","w":1}]"#;
        let after = r#"[{"id":"x"},{"type":"relation","from_id":"a","to_id":"b","w":2},
            {"id":"a","from_name":"note","v":2},{"id":"c"},{"id":"a","from_name":"box","v":1}]"#;
        let changed = |id: Option<&str>, before: &str, after: &str| Changed {
            id: id.map(str::to_owned),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let expected = Diff {
            added: vec![r#"{"id":"x"}"#.to_owned()],
            removed: vec![r#"{"id":"b","v":1}"#.to_owned()],
            changed: vec![
                changed(
                    None,
                    r#"{"type":"relation","from_id":"a","to_id":"b","w":1}"#,
                    r#"{"type":"relation","from_id":"a","to_id":"b","w":2}"#,
                ),
                changed(
                    Some("a"),
                    r#"{"id":"a","from_name":"note","v":1}"#,
                    r#"{"id":"a","from_name":"note","v":2}"#,
                ),
            ],
        };
        assert_eq!(diff(before, after), expected);
    }

    #[test]
    fn spelling_and_order_are_no_difference() {
        let before = r#"[ {"id": "a", "x": 1e2} , {"id":"b"}]"#;
        let after = r#"[{"id":"b"},{"id":"a","x":100.0}]"#;
        assert_eq!(diff(before, after), Diff::default());
    }

    proptest! {
        #[test]
        fn anything_can_be_compared(before in ".{0,40}", after in r#"[\[\]{}:,"a-c01 ]{0,40}"#) {
            let _ = diff(&before, &after);
            prop_assert_eq!(diff(&after, &after), Diff::default());
        }

        #[test]
        fn the_way_back_is_the_other_way_round(
            before in prop::collection::btree_map(0u8..5, 0u8..3, 0..5),
            after in prop::collection::btree_map(0u8..5, 0u8..3, 0..5),
        ) {
            let text = |result: &std::collections::BTreeMap<u8, u8>| {
                let entries = result.iter().map(|(id, v)| format!(r#"{{"id":"r{id}","v":{v}}}"#));
                format!("[{}]", entries.collect::<Vec<_>>().join(","))
            };
            let there = diff(&text(&before), &text(&after));
            let back = diff(&text(&after), &text(&before));
            prop_assert_eq!(there.added, back.removed);
            prop_assert_eq!(there.removed, back.added);
            prop_assert_eq!(there.changed.len(), back.changed.len());
        }
    }
}
