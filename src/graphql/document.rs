//! From the text of a request to a document that is known to be valid.
//!
//! Documents are parsed and validated by apollo-compiler, whose verdicts are those of graphql-js; the
//! library's own validation misses several rules. What was valid once is remembered. Every value that a
//! client sends, literal or variable, is checked before anything runs.

use std::{collections::HashMap, sync::Arc};

use apollo_compiler::{
    ExecutableDocument as CheckedDocument, Schema as ApolloSchema, ast,
    executable::{Selection, SelectionSet},
    validation::{DiagnosticList, Valid},
};
use async_graphql::{
    Pos, Request, ServerError, Variables,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationType},
    },
};
use moka::sync::Cache;

use super::{
    Envelope,
    coercion::{Coercion, VariablePaths},
    error::{
        BAD_REQUEST, BAD_USER_INPUT, GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED,
        PERSISTED_QUERY_NOT_FOUND, input_error, request_error,
    },
    overlooked::overlooked,
    size,
};
use crate::error::Problem;

/// Deepest nesting of a document.
const MAX_DEPTH: usize = 200;
/// Most tokens of a document.
const MAX_TOKENS: usize = 20_000;
/// Most errors that one answer lists.
pub(super) const MAX_ERRORS: usize = 20;
/// Bytes of query text that are remembered; a parsed document takes some 20 times as much.
const CACHED_BYTES: u64 = 2 << 20;
/// Longer documents are not remembered.
const LONGEST_CACHED: usize = 64 << 10;

/// The schema, and the documents that were found valid against it.
pub struct Documents {
    schema: Valid<ApolloSchema>,
    valid: Cache<String, Arc<Document>>,
}

struct Document {
    parsed: ExecutableDocument,
    checked: Valid<CheckedDocument>,
    variables: VariablePaths,
}

/// A request that is ready to run.
pub struct Prepared {
    pub request: Request,
    /// What the request runs.
    pub operation: OperationType,
}

type Refused = Vec<ServerError>;

impl Documents {
    pub fn new(schema: &Valid<ApolloSchema>) -> Self {
        let valid = Cache::builder()
            .weigher(|query: &String, _| u32::try_from(query.len()).unwrap_or(u32::MAX))
            .max_capacity(CACHED_BYTES)
            .build();
        Self {
            schema: schema.clone(),
            valid,
        }
    }

    /// Validates the request's document and variables, and bounds what it asks for.
    pub fn prepare(&self, envelope: Envelope) -> Result<Prepared, Refused> {
        let Some(query) = envelope.query else {
            // By this very message Apollo's link knows to send the text.
            let message = "PersistedQueryNotFound";
            return Err(vec![request_error(
                PERSISTED_QUERY_NOT_FOUND,
                message,
                None,
            )]);
        };
        let document = self.document(&query)?;
        let name = envelope.operation_name.as_deref();
        let operation = document.checked.operations.get(name).map_err(|error| {
            let message = error.message().to_string();
            vec![request_error(BAD_REQUEST, message, None)]
        })?;
        let mut variables = envelope.variables;
        let mut coercion = Coercion::new(&self.schema);
        coercion.variables(operation, &mut variables, &document.variables);
        let problems = coercion.into_problems();
        if !problems.is_empty() {
            return Err(vec![input_error(problems)]);
        }
        size::check(&document.checked, operation, &variables).map_err(|error| vec![error])?;
        let mut request = Request::new(query).variables(variables);
        request.operation_name = envelope.operation_name;
        request.set_parsed_query(document.parsed.clone());
        Ok(Prepared {
            request,
            operation: match operation.operation_type {
                ast::OperationType::Query => OperationType::Query,
                ast::OperationType::Mutation => OperationType::Mutation,
                ast::OperationType::Subscription => OperationType::Subscription,
            },
        })
    }

    fn document(&self, query: &str) -> Result<Arc<Document>, Refused> {
        if let Some(document) = self.valid.get(query) {
            return Ok(document);
        }
        let document = Arc::new(self.validate(query)?);
        if query.len() <= LONGEST_CACHED {
            self.valid.insert(query.to_owned(), document.clone());
        }
        Ok(document)
    }

    fn validate(&self, query: &str) -> Result<Document, Refused> {
        let mut parser = apollo_compiler::parser::Parser::new()
            .recursion_limit(MAX_DEPTH)
            .token_limit(MAX_TOKENS);
        let syntax = parser
            .parse_ast(query, "request")
            .map_err(|refused| diagnostics(&refused.errors, |_| GRAPHQL_PARSE_FAILED))?;
        let checked = match syntax.to_executable_validate(&self.schema) {
            Ok(checked) => checked,
            Err(refused) => return Err(self.explain(&refused.partial, &refused.errors)),
        };
        for operation in checked.operations.iter() {
            size::check(&checked, operation, &Variables::default()).map_err(|error| vec![error])?;
        }
        let (problems, variables) = self.literals(&checked);
        if !problems.is_empty() {
            return Err(vec![input_error(problems)]);
        }
        let overlooked = overlooked(&self.schema, &checked);
        if !overlooked.is_empty() {
            return Err(overlooked);
        }
        let parsed = parse_query(query).map_err(|_| {
            let message = "the document holds something that this server does not parse";
            vec![request_error(GRAPHQL_PARSE_FAILED, message, None)]
        })?;
        Ok(Document {
            parsed,
            checked,
            variables,
        })
    }

    /// When only values are wrong, says so with their paths; otherwise lists what is wrong.
    fn explain(&self, partial: &CheckedDocument, errors: &DiagnosticList) -> Refused {
        let only_values = errors.iter().all(|error| {
            // To the validator, an argument that is null is missing too.
            let name = error.error.unstable_error_name();
            name.is_some_and(|name| is_about_a_value(name) || name == "RequiredArgument")
        });
        if only_values {
            let (problems, _) = self.literals(partial);
            if !problems.is_empty() {
                return vec![input_error(problems)];
            }
            let overlooked = overlooked(&self.schema, partial);
            if !overlooked.is_empty() {
                return overlooked;
            }
        }
        diagnostics(errors, |name| {
            if name.is_some_and(is_about_a_value) {
                BAD_USER_INPUT
            } else {
                GRAPHQL_VALIDATION_FAILED
            }
        })
    }

    /// Checks every literal of a document, and notes where its variables go.
    fn literals(&self, document: &CheckedDocument) -> (Vec<Problem>, VariablePaths) {
        let mut coercion = Coercion::new(&self.schema);
        let mut variables = HashMap::new();
        for operation in document.operations.iter() {
            coercion.defaults(operation);
        }
        let sets = document
            .operations
            .iter()
            .map(|operation| &operation.selection_set)
            .chain(
                document
                    .fragments
                    .values()
                    .map(|fragment| &fragment.selection_set),
            );
        for set in sets {
            walk(set, &mut |field| {
                for argument in &field.arguments {
                    if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                        let mut path = vec![argument.name.as_str().into()];
                        let ty = &definition.ty;
                        coercion.literal(ty, &argument.value, &mut path, &mut variables);
                    }
                }
            });
        }
        (coercion.into_problems(), variables)
    }
}

/// Calls `visit` with every field of a selection set, fragments' own apart.
fn walk(set: &SelectionSet, visit: &mut impl FnMut(&apollo_compiler::executable::Field)) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                visit(field);
                walk(&field.selection_set, visit);
            }
            Selection::InlineFragment(fragment) => walk(&fragment.selection_set, visit),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Diagnostics of values in a document that is otherwise as it should be.
fn is_about_a_value(name: &str) -> bool {
    matches!(
        name,
        "UnsupportedValueType"
            | "IntCoercionError"
            | "FloatCoercionError"
            | "UndefinedEnumValue"
            | "UndefinedInputValue"
            | "RequiredField"
    )
}

fn diagnostics(
    errors: &DiagnosticList,
    code: impl Fn(Option<&'static str>) -> &'static str,
) -> Refused {
    errors
        .iter()
        .take(MAX_ERRORS)
        .map(|diagnostic| {
            let at = diagnostic.line_column_range().map(|range| Pos {
                line: range.start.line,
                column: range.start.column,
            });
            let code = code(diagnostic.error.unstable_error_name());
            request_error(code, diagnostic.error.to_string(), at)
        })
        .collect()
}
