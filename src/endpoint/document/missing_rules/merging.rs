//! Fields of one name have the same arguments. apollo-compiler takes lists for the same when one of them
//! starts with the other.

use std::collections::{BTreeSet, HashSet};

use apollo_compiler::{
    ExecutableDocument, Node,
    ast::{Argument, Value},
    executable::{Field, Operation, Selection, SelectionSet},
};
use indexmap::IndexMap;

/// The fields of each parent type and name.
type Merged<'a> = IndexMap<(&'a str, &'a str), Vec<&'a Field>>;

/// Finds fields that apollo-compiler would merge though their arguments differ. Those of different parent
/// types are taken to be of different objects: no field of an interface's members has arguments, nor has any
/// below them.
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
        let inner: Vec<&SelectionSet> = fields.iter().map(|field| &field.selection_set).collect();
        merge(document, &inner, messages);
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
                let key = (set.ty.as_str(), field.response_key().as_str());
                merged.entry(key).or_default().push(field);
            }
            Selection::InlineFragment(inner) => {
                collect(document, &inner.selection_set, fragments, merged);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                if let Some(fragment) = document.fragments.get(name)
                    && fragments.insert(name)
                {
                    collect(document, &fragment.selection_set, fragments, merged);
                }
            }
        }
    }
}

/// Whether all lists have the same lengths; that the rest is the same has been checked.
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
