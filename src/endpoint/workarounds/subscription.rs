//! Subscriptions where async-graphql deviates from the specification: the root field, and errors without data.

use std::collections::HashMap;

use async_graphql::{
    Name, PathSegment, Positioned, Response, Value,
    parser::types::{
        DocumentOperations, ExecutableDocument, FragmentDefinition, OperationType, Selection,
        SelectionSet,
    },
};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Merges the parts of a subscription's root field into a single field. async-graphql runs no fragments at the root,
/// and starts a stream for each part.
///
/// The specification treats equal response names as a single field:
/// [CollectFields](https://spec.graphql.org/September2025/#sec-Field-Collection).
pub fn with_one_root_field(mut document: ExecutableDocument) -> ExecutableDocument {
    let fragments = &document.fragments;
    let operations = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations {
        if operation.node.ty == OperationType::Subscription {
            let mut fields = Vec::new();
            spread(&operation.node.selection_set.node, fragments, &mut fields);
            operation.node.selection_set.node.items = merged(fields).into_iter().collect();
        }
    }
    document
}

/// Merges selections. In a valid document the parts differ in their selections only.
fn merged(parts: Vec<Positioned<Selection>>) -> Option<Positioned<Selection>> {
    parts.into_iter().reduce(|mut whole, part| {
        if let (Selection::Field(whole), Selection::Field(part)) = (&mut whole.node, part.node) {
            let selected = part.node.selection_set.node.items;
            whole.node.selection_set.node.items.extend(selected);
        }
        whole
    })
}

/// Collects the fields of a selection set, fragments spread. Terminates because valid documents have no fragment
/// cycles.
fn spread(set: &SelectionSet, fragments: &Fragments, fields: &mut Vec<Positioned<Selection>>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(_) => fields.push(selection.clone()),
            Selection::InlineFragment(inline) => {
                spread(&inline.node.selection_set.node, fragments, fields);
            }
            Selection::FragmentSpread(named) => {
                if let Some(fragment) = fragments.get(&named.node.fragment_name.node) {
                    spread(&fragment.node.selection_set.node, fragments, fields);
                }
            }
        }
    }
}

/// Removes the path from errors without data: they belong to the stream, at its start or end, not to a field.
pub fn without_root_path(mut response: Response) -> Response {
    if response.data == Value::Null {
        for error in &mut response.errors {
            // A path of a single field is the root; longer paths belong to a field of an event.
            if matches!(error.path.as_slice(), [PathSegment::Field(_)]) {
                error.path.clear();
            }
        }
    }
    response
}
