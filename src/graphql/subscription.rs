//! What the library leaves to do for a subscription.

use std::{collections::HashMap, panic::AssertUnwindSafe};

use async_graphql::{
    Name, PathSegment, Positioned, Response, ServerError, Value,
    parser::types::{
        DocumentOperations, ExecutableDocument, FragmentDefinition, OperationType, Selection,
        SelectionSet,
    },
};
use futures_util::{Stream, StreamExt};

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

/// Ends with an error when a resolver panics: whoever follows would otherwise wait for ever.
pub fn until_a_panic(responses: impl Stream<Item = Response>) -> impl Stream<Item = Response> {
    // Nothing of the stream is used again.
    let responses = AssertUnwindSafe(responses).catch_unwind();
    responses.map(|response| {
        response.unwrap_or_else(|_| {
            let error = ServerError::new("a resolver panicked", None);
            Response::from_errors(vec![error])
        })
    })
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

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;
    use crate::graphql::error::{INTERNAL_SERVER_ERROR, coded, is_request_error};

    #[tokio::test]
    async fn a_panic_ends_a_stream_with_an_error() {
        let responses = stream::iter(1..=3).map(|number| match number {
            1 => Response::new(number),
            number => panic!("{number}"),
        });
        let told: Vec<Response> = until_a_panic(responses).map(coded).collect().await;
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].data, Value::from(1));
        assert!(is_request_error(&told[1]));
        let values = told[1].errors[0].extensions.as_ref().unwrap();
        assert_eq!(values.get("code"), Some(&INTERNAL_SERVER_ERROR.into()));
    }
}
