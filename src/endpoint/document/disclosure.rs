//! Disclosure of the schema in error messages.
//!
//! With introspection on, messages about unknown names suggest similar names. With introspection off, messages
//! contain no suggestion and no name of the schema except those that the client sent.

use std::collections::HashSet;

use apollo_compiler::{Schema, diagnostic::ToCliReport, validation::DiagnosticList};
use async_graphql::ServerError;

use super::error::MAX_ERRORS;
use crate::{
    endpoint::{suggestion, workarounds::positions},
    error::{LineIndex, Problem},
    graphql::error::{input_error, request_error},
};

/// Converts errors for a client, within its knowledge of the schema.
#[derive(Clone, Copy)]
pub struct Disclosure<'a> {
    pub schema: &'a Schema,
    /// True when clients may see the schema.
    pub is_open: bool,
    /// Text of the client's document.
    pub text: &'a str,
}

impl Disclosure<'_> {
    /// Turns problems of values into an error BAD_USER_INPUT, without names that the client may not learn.
    pub fn input(&self, problems: Vec<Problem>) -> Vec<ServerError> {
        if self.is_open {
            return vec![input_error(problems)];
        }
        let sent = names(self.text);
        let problems = problems.into_iter().map(|mut problem| {
            problem.message = self.masked(&problem.message, &sent);
            problem
        });
        vec![input_error(problems.collect())]
    }

    /// Turns the errors of a validation into errors with a code each, without names that the client may not learn.
    pub fn diagnostics(
        &self,
        errors: &DiagnosticList,
        code: impl Fn(Option<&'static str>) -> &'static str,
    ) -> Vec<ServerError> {
        // Open schemas need no list of sent names: splitting a document of megabytes costs time.
        let sent = (!self.is_open).then(|| names(self.text));
        let lines = LineIndex::new(self.text);
        let listed = errors.iter().take(MAX_ERRORS).map(|diagnostic| {
            let at = positions::of(diagnostic.error.location(), &lines);
            // apollo-compiler has no stable codes, only this name.
            let kind = diagnostic.error.unstable_error_name();
            let mut message = diagnostic.error.to_string();
            match &sent {
                Some(sent) => message = self.masked(&message, sent),
                None => message.push_str(&suggestion::of(self.schema, kind, &message)),
            }
            request_error(code(kind), message, at)
        });
        listed.collect()
    }

    /// Turns messages into errors of a single code, without names that the client may not learn. Leaves out errors
    /// beyond the bound.
    pub fn messages(&self, code: &str, messages: impl Iterator<Item = String>) -> Vec<ServerError> {
        let sent = (!self.is_open).then(|| names(self.text));
        let listed = messages.take(MAX_ERRORS).map(|message| {
            let message = match &sent {
                Some(sent) => self.masked(&message, sent),
                None => message,
            };
            request_error(code, message, None)
        });
        listed.collect()
    }

    /// Masks names that the client did not send: names between backticks, and names of types.
    fn masked(&self, message: &str, sent: &HashSet<&str>) -> String {
        let part = |index: usize, part: &str| {
            // apollo-compiler quotes names with backticks, so parts with odd index are quoted.
            let is_quoted = index % 2 == 1;
            replaced(part, |word| {
                let is_told = sent.contains(word) || is_public(word);
                let is_type = || self.schema.types.contains_key(word);
                !is_told && (is_quoted || is_type())
            })
        };
        let parts = message.split('`').enumerate();
        let parts: Vec<String> = parts.map(|(index, text)| part(index, text)).collect();
        parts.join("`")
    }
}

/// Names defined by GraphQL itself: no secret.
fn is_public(word: &str) -> bool {
    let scalars = ["Int", "Float", "String", "Boolean", "ID"];
    let directives = ["skip", "include", "if", "deprecated", "specifiedBy"];
    scalars.contains(&word)
        || directives.contains(&word)
        || word.starts_with("__")
        || word.starts_with(|first: char| first.is_ascii_digit())
}

fn is_part_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Words of a text that could be names.
fn names(text: &str) -> HashSet<&str> {
    text.split(|letter: char| !is_part_of_a_name(letter))
        .collect()
}

/// Replaces masked words by an ellipsis.
fn replaced(text: &str, is_masked: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|letter| !is_part_of_a_name(letter));
        let (word, after) = rest.split_at(word.unwrap_or(rest.len()));
        let is_masked = !word.is_empty() && is_masked(word);
        out.push_str(if is_masked { "…" } else { word });
        let between = after.find(is_part_of_a_name).unwrap_or(after.len());
        out.push_str(&after[..between]);
        rest = &after[between..];
    }
    out
}
