//! What the library leaves to do for a subscription.

use std::collections::HashMap;

use async_graphql::{
    Name, PathSegment, Positioned, Response, Value,
    parser::types::{
        DocumentOperations, ExecutableDocument, FragmentDefinition, OperationType, Selection,
        SelectionSet,
    },
};

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Makes one field of the parts that a subscription selects it in: the library runs no fragments at the root,
/// and each part as a stream of its own.
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

/// In a valid document the parts differ in nothing but what they select.
fn merged(parts: Vec<Positioned<Selection>>) -> Option<Positioned<Selection>> {
    parts.into_iter().reduce(|mut whole, part| {
        if let (Selection::Field(whole), Selection::Field(part)) = (&mut whole.node, part.node) {
            let selected = part.node.selection_set.node.items;
            whole.node.selection_set.node.items.extend(selected);
        }
        whole
    })
}

/// Gathers the fields of a selection set. A valid document has no cycles.
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

/// An error of the stream itself, at its beginning or its end, has no data and no path: it is none of a
/// field's.
pub fn without_root_path(mut response: Response) -> Response {
    if response.data == Value::Null {
        for error in &mut response.errors {
            if matches!(error.path.as_slice(), [PathSegment::Field(_)]) {
                error.path.clear();
            }
        }
    }
    response
}
