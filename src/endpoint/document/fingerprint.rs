//! Identity of a subscription's selection.

use std::collections::{BTreeMap, HashSet};

use apollo_compiler::{
    Node,
    ast::{Argument, Value},
    executable::{
        DirectiveList, ExecutableDocument, Operation, OperationType, Selection, SelectionSet,
    },
};
use async_graphql::Variables;

use super::{
    checked::Document,
    hash::{Hash, hash},
};

/// Identity of a subscription's selection: of two operations with equal fingerprints, the answers to an event differ
/// only by what the viewers may see. A hash of document, operation and variables, since variables may be long.
///
/// Variables that occur in arguments of the root field alone are left out: they choose events, and are no part of an
/// answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint(Hash);

impl Fingerprint {
    /// Fingerprint of a valid operation with its coerced variables.
    pub fn new(document: &Document, operation: &Operation, variables: &Variables) -> Self {
        // Queries and mutations share no answers.
        if operation.operation_type != OperationType::Subscription {
            return Self(document.hash);
        }
        let name = operation.name.as_deref().unwrap_or_default();
        let used = used(&document.checked, operation, variables);
        // A name has no line break, so the parts can't run into each other.
        Self(hash(&format!("{:x}\n{name}\n{used}", document.hash)))
    }
}

fn used(document: &ExecutableDocument, operation: &Operation, variables: &Variables) -> String {
    let mut walk = Walk {
        document,
        seen: HashSet::new(),
        names: HashSet::new(),
    };
    walk.directives(&operation.directives);
    walk.selections(&operation.selection_set, true);
    let used = variables
        .iter()
        .filter(|(name, _)| walk.names.contains(name.as_str()));
    let used: BTreeMap<_, _> = used.collect();
    serde_json::to_string(&used).expect("variables are JSON")
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    /// Fragments walked through already, and whether at the root.
    seen: HashSet<(&'a str, bool)>,
    /// Names of the variables in use.
    names: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    fn selections(&mut self, set: &'a SelectionSet, is_root: bool) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    self.directives(&field.directives);
                    if !is_root {
                        self.arguments(&field.arguments);
                    }
                    if let Some(set) = &field.selection_set {
                        self.selections(set, false);
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives);
                    self.selections(&inline.selection_set, is_root);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment
                        && self.seen.insert((fragment.name.as_str(), is_root))
                    {
                        self.directives(&fragment.directives);
                        self.selections(&fragment.selection_set, is_root);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives {
            self.arguments(&directive.arguments);
        }
    }

    fn arguments(&mut self, arguments: &'a [Node<Argument>]) {
        for argument in arguments {
            self.value(&argument.value);
        }
    }

    fn value(&mut self, value: &'a Value) {
        match value {
            Value::Variable(name) => {
                self.names.insert(name);
            }
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.iter().for_each(|(_, value)| self.value(value)),
            _ => {}
        }
    }
}
