//! Introspection switch: hides the schema from clients.

use apollo_compiler::ast::{Definition, Document, Selection};
use async_graphql::ServerError;

use super::error::MAX_ERRORS;
use crate::{
    endpoint::workarounds::positions,
    error::LineIndex,
    graphql::error::{GRAPHQL_VALIDATION_FAILED, request_error},
};

/// Fields that reveal the schema. Federation gateways read `_service` when composing; with introspection off, compose
/// from the output of `annograph schema --federation` instead.
const TELLING: [&str; 3] = ["__schema", "__type", "_service"];

/// Finds the selections that reveal the schema.
pub fn refused(document: &Document, text: &str) -> Vec<ServerError> {
    let lines = LineIndex::new(text);
    let mut errors = vec![];
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                look(&lines, &operation.selection_set, &mut errors);
            }
            // Each fragment is visited as a definition of its own, so spreads need no visit below.
            Definition::FragmentDefinition(fragment) => {
                look(&lines, &fragment.selection_set, &mut errors);
            }
            _ => {}
        }
    }
    errors
}

fn look(lines: &LineIndex, set: &[Selection], errors: &mut Vec<ServerError>) {
    for selection in set {
        match selection {
            Selection::Field(field) if TELLING.contains(&field.name.as_str()) => {
                // Bounded: a document may repeat the field thousands of times.
                if errors.len() == MAX_ERRORS {
                    return;
                }
                let at = positions::of(field.location(), lines);
                let message = format!(
                    "this server does not tell its schema, which the field `{}` asks for",
                    field.name
                );
                errors.push(request_error(GRAPHQL_VALIDATION_FAILED, message, at));
            }
            Selection::Field(field) => {
                look(
                    lines,
                    field.selection_set.as_deref().unwrap_or_default(),
                    errors,
                );
            }
            Selection::InlineFragment(inner) => look(lines, &inner.selection_set, errors),
            Selection::FragmentSpread(_) => {}
        }
    }
}
