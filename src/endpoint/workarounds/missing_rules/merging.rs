//! Fields that merge need identical arguments.
//!
//! apollo-compiler considers two lists identical when the first is a prefix of the second.

use std::collections::{BTreeSet, HashSet};

use apollo_compiler::{
    ExecutableDocument, Node,
    ast::{Argument, Value},
    executable::{Field, Operation, Selection, SelectionSet},
};
use indexmap::IndexMap;

/// Fields by parent type and response key.
type Merged<'a> = IndexMap<(&'a str, &'a str), Vec<&'a Field>>;

/// Finds fields with the same response key and different arguments ([Field Selection
/// Merging](https://spec.graphql.org/September2025/#sec-Field-Selection-Merging)).
///
/// Compares within a parent type only: no implementing type of an interface in this schema has fields with arguments.
pub fn check(
    document: &ExecutableDocument,
    operation: &Operation,
    messages: &mut BTreeSet<String>,
) {
    merge(document, &[&operation.selection_set], messages);
}

fn merge(document: &ExecutableDocument, sets: &[&SelectionSet], messages: &mut BTreeSet<String>) {
    let mut merged = Merged::new();
    let mut fragments = HashSet::new();
    for set in sets {
        collect(document, set, &mut fragments, &mut merged);
    }
    for ((_, key), fields) in merged {
        let [first, rest @ ..] = &fields[..] else {
            continue;
        };
        if rest
            .iter()
            .any(|other| !are_same(&first.arguments, &other.arguments))
        {
            messages.insert(format!(
                "operation must not provide conflicting field arguments for the same name `{key}`"
            ));
        }
        // Selections of merged fields merge as well, so they are compared as a single set.
        let inner = fields.iter();
        let inner: Vec<&SelectionSet> = inner
            .filter_map(|field| field.selection_set.as_ref())
            .collect();
        if !inner.is_empty() {
            merge(document, &inner, messages);
        }
    }
}

fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    fragments: &mut HashSet<&'a str>,
    merged: &mut Merged<'a>,
) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                let key = (set.ty.as_str(), field.response_name().as_str());
                merged.entry(key).or_default().push(field);
            }
            Selection::InlineFragment(inner) => {
                collect(document, &inner.selection_set, fragments, merged);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                // Each fragment once per set: cyclic or repeated spreads add nothing new.
                if let Some(fragment) = document.fragments.get(name)
                    && fragments.insert(name)
                {
                    collect(document, &fragment.selection_set, fragments, merged);
                }
            }
        }
    }
}

/// Checks whether all lists have equal lengths; apollo-compiler has compared the rest.
fn are_same(arguments: &[Node<Argument>], others: &[Node<Argument>]) -> bool {
    arguments.iter().all(|argument| {
        let other = others.iter().find(|other| other.name == argument.name);
        other.is_none_or(|other| is_same(&argument.value, &other.value))
    })
}

fn is_same(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::List(items), Value::List(others)) => {
            items.len() == others.len()
                && items
                    .iter()
                    .zip(others)
                    .all(|(item, other)| is_same(item, other))
        }
        (Value::Object(fields), Value::Object(others)) => fields.iter().all(|(key, value)| {
            let other = others.iter().find(|(other, _)| other == key);
            other.is_none_or(|(_, other)| is_same(value, other))
        }),
        _ => true,
    }
}
