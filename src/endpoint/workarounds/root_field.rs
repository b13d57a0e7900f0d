//! Number of root fields of a subscription: apollo-compiler counts selections, and takes a subscription without any.
//!
//! The specification counts [response names](https://spec.graphql.org/September2025/#sec-Single-Root-Field), and wants
//! exactly one.

use apollo_compiler::{
    ExecutableDocument,
    executable::{Field, Operation},
    validation::DiagnosticList,
};

/// Checks whether all errors are about subscriptions with several selections of a single response name.
pub fn is_single(document: &ExecutableDocument, errors: &DiagnosticList) -> bool {
    let mut names = errors.iter().map(|error| error.error.unstable_error_name());
    names.all(|name| name == Some("SubscriptionUsesMultipleFields"))
        && subscriptions(document).all(|operation| {
            let mut names = operation.root_fields(document).map(|field| name(field));
            let first = names.next();
            names.all(|name| Some(name) == first)
        })
}

/// Checks whether a subscription selects no field at all.
pub fn is_missing(document: &ExecutableDocument) -> bool {
    subscriptions(document).any(|operation| operation.root_fields(document).next().is_none())
}

fn subscriptions(document: &ExecutableDocument) -> impl Iterator<Item = &Operation> {
    let operations = document.operations.iter().map(|operation| &**operation);
    operations.filter(|operation| operation.is_subscription())
}

fn name(field: &Field) -> &str {
    field.response_name()
}
