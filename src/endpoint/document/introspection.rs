//! Introspection switch: hides the schema from clients.

use apollo_compiler::ast::{Definition, Document, Selection};
use async_graphql::{Pos, ServerError};

use super::error::MAX_ERRORS;
use crate::graphql::error::{GRAPHQL_VALIDATION_FAILED, request_error};

/// Fields that reveal the schema. Federation gateways read `_service` when composing; with introspection off, compose
/// from the output of `annograph schema --federation` instead.
const TELLING: [&str; 3] = ["__schema", "__type", "_service"];

/// Finds the selections that reveal the schema.
pub fn refused(document: &Document) -> Vec<ServerError> {
    let mut errors = vec![];
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                look(document, &operation.selection_set, &mut errors);
            }
            // Each fragment is visited as a definition of its own, so spreads need no visit below.
            Definition::FragmentDefinition(fragment) => {
                look(document, &fragment.selection_set, &mut errors);
            }
            _ => {}
        }
    }
    errors
}

fn look(document: &Document, set: &[Selection], errors: &mut Vec<ServerError>) {
    for selection in set {
        match selection {
            Selection::Field(field) if TELLING.contains(&field.name.as_str()) => {
                // Bounded: a document may repeat the field thousands of times.
                if errors.len() == MAX_ERRORS {
                    return;
                }
                let at = field.line_column_range(&document.sources).map(|range| Pos {
                    line: range.start.line,
                    column: range.start.column,
                });
                let message = format!(
                    "this server does not tell its schema, which the field `{}` asks for",
                    field.name
                );
                errors.push(request_error(GRAPHQL_VALIDATION_FAILED, message, at));
            }
            Selection::Field(field) => look(document, &field.selection_set, errors),
            Selection::InlineFragment(inner) => look(document, &inner.selection_set, errors),
            Selection::FragmentSpread(_) => {}
        }
    }
}
