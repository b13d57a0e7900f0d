//! Validation: from a text to a valid document.
//!
//! apollo-compiler parses and validates; additional rules bring the verdicts to those of graphql-js. async-graphql's
//! own validation lacks several rules, so it is not used.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument as CheckedDocument, Name, Schema as ApolloSchema,
    validation::{DiagnosticList, Valid},
};
use async_graphql::ServerError;

use super::{brackets, checked::Document, disclosure::Disclosure, hash, introspection, translate};
use crate::{
    config::LimitArgs,
    endpoint::{
        coercion::{Coercion, Values},
        size,
        workarounds::{commas, missing_rules, positions, root_field, syntax},
    },
    error::{LineIndex, Problem},
    graphql::error::{
        BAD_USER_INPUT, GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, limit_error, request_error,
    },
};

/// Maximum nesting of brackets: apollo-compiler's parser recurses for each level.
const MAX_BRACKETS: usize = 200;

/// Validator: schema, limits and disclosure.
pub struct Validator {
    pub schema: Valid<ApolloSchema>,
    pub limits: LimitArgs,
    /// True when clients may see the schema.
    pub is_open: bool,
}

impl Validator {
    /// Validates a document, cheap checks first: brackets before parsing, size before validation, both of which would
    /// otherwise take unbounded time or stack.
    pub fn validate(&self, query: &str) -> Result<Document, Vec<ServerError>> {
        if brackets::are_too_deep(query, MAX_BRACKETS) {
            return Err(vec![too_deep()]);
        }
        let mut parser = apollo_compiler::parser::Parser::new()
            .recursion_limit(MAX_BRACKETS)
            .token_limit(self.limits.max_tokens);
        let read = commas::without(query);
        let parsed = parser
            .parse_ast(&*read, "request")
            .map_err(|refused| self.not_parsed(query, &refused.errors))?;
        if let Some((fault, at)) = syntax::first(query) {
            let at = positions::at(at, &LineIndex::new(query));
            let (code, message) = (GRAPHQL_PARSE_FAILED, fault.message());
            return Err(vec![request_error(code, message, Some(at))]);
        }
        size::check(&parsed, &self.limits).map_err(|error| vec![error])?;
        // Before validation: a closed schema answers valid and invalid introspection alike.
        if !self.is_open {
            let refused = introspection::refused(&parsed, query);
            if !refused.is_empty() {
                return Err(refused);
            }
        }
        let checked = match parsed.to_executable_validate(&self.schema) {
            Ok(checked) => checked,
            Err(refused) if root_field::is_single(&refused.partial, &refused.errors) => {
                Valid::assume_valid(refused.partial)
            }
            Err(refused) => return Err(self.explain(query, &refused.partial, &refused.errors)),
        };
        let (problems, values) = self.literals(&checked);
        if !problems.is_empty() {
            return Err(self.disclosure(query).input(problems));
        }
        // After the literals: these report by path, so a client sees the precise error first.
        let violations = self.missing_rules(query, &checked);
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Document {
            hash: hash::hash(query),
            parsed: translate::document(&parsed, query),
            checked,
            values,
            size: (query.len(), parser.tokens_reached()),
        })
    }

    /// Rules of disclosure for errors of a document with this text.
    pub fn disclosure<'a>(&'a self, text: &'a str) -> Disclosure<'a> {
        Disclosure {
            schema: &self.schema,
            is_open: self.is_open,
            text,
        }
    }

    fn not_parsed(&self, query: &str, errors: &DiagnosticList) -> Vec<ServerError> {
        // Matches by message: apollo-parser exposes no kind for exceeded limits.
        let messages = errors.iter().map(|error| error.error.to_string());
        for message in messages {
            if message.starts_with("token limit") {
                let max = self.limits.max_tokens as u64;
                return vec![limit_error("tokens", max, max + 1, "tokens or more")];
            }
            if message.starts_with("parser recursion limit") {
                return vec![too_deep()];
            }
        }
        self.disclosure(query)
            .diagnostics(errors, |_| GRAPHQL_PARSE_FAILED)
    }

    /// Reports problems with paths when only values are wrong, and otherwise apollo-compiler's diagnostics.
    fn explain(
        &self,
        query: &str,
        partial: &CheckedDocument,
        errors: &DiagnosticList,
    ) -> Vec<ServerError> {
        let only_values = errors.iter().all(|error| {
            // apollo-compiler reports a null argument as missing, which is a problem of the value too.
            let name = error.error.unstable_error_name();
            name.is_some_and(|name| is_about_a_value(name) || name == "RequiredArgument")
        });
        if only_values {
            let (problems, _) = self.literals(partial);
            if !problems.is_empty() {
                return self.disclosure(query).input(problems);
            }
            let violations = self.missing_rules(query, partial);
            if !violations.is_empty() {
                return violations;
            }
        }
        self.disclosure(query).diagnostics(errors, |name| {
            if name.is_some_and(is_about_a_value) {
                BAD_USER_INPUT
            } else {
                GRAPHQL_VALIDATION_FAILED
            }
        })
    }

    fn missing_rules(&self, query: &str, document: &CheckedDocument) -> Vec<ServerError> {
        let messages = missing_rules::violations(&self.schema, document).into_iter();
        self.disclosure(query)
            .messages(GRAPHQL_VALIDATION_FAILED, messages)
    }

    /// Checks all literals of a document, and derives the facts about values of each operation.
    fn literals(
        &self,
        document: &CheckedDocument,
    ) -> (Vec<Problem>, HashMap<Option<Name>, Values>) {
        let mut problems: Vec<Problem> = vec![];
        let mut values = HashMap::new();
        for operation in document.operations.iter() {
            let mut coercion = Coercion::new(&self.schema, self.is_open);
            let found = coercion.literals(document, operation);
            let mut found_here = coercion.into_problems();
            if !found_here.is_empty() {
                // The document is refused, so no mutation runs that would report the faults inside its JSON.
                found_here.splice(0..0, found.json().iter().cloned());
            }
            // Operations that share a fragment find the same problems.
            for problem in found_here {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            values.insert(operation.name.clone(), found);
        }
        (problems, values)
    }
}

fn too_deep() -> ServerError {
    let max = MAX_BRACKETS as u64;
    limit_error("brackets", max, max + 1, "brackets in one another or more")
}

/// Diagnostics that concern values alone.
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
