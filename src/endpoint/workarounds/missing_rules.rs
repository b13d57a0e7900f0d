//! Validation rules that apollo-compiler lacks.

mod merging;

use std::collections::{BTreeSet, HashSet};

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::{Argument, InputValueDefinition, Type, Value, VariableDefinition},
    executable::{Operation, Selection, SelectionSet},
    schema::ExtendedType,
};

use super::root_field;
use crate::endpoint::coercion::item_type;

/// Violations of rules on variables and nested values, and on the root field of a subscription:
/// - variables inside JSON that are undefined ([All Variable Uses
///   Defined](https://spec.graphql.org/September2025/#sec-All-Variable-Uses-Defined)),
/// - variables with the default null in non-null positions ([All Variable Usages Are
///   Allowed](https://spec.graphql.org/September2025/#sec-All-Variable-Usages-Are-Allowed)),
/// - duplicate fields of an object ([Input Object Field
///   Uniqueness](https://spec.graphql.org/September2025/#sec-Input-Object-Field-Uniqueness)),
/// - lists of different lengths in fields that merge ([Field Selection
///   Merging](https://spec.graphql.org/September2025/#sec-Field-Selection-Merging)),
/// - subscriptions without a field ([Single Root
///   Field](https://spec.graphql.org/September2025/#sec-Single-Root-Field)).
pub fn violations(schema: &Schema, document: &ExecutableDocument) -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for operation in document.operations.iter() {
        // Visits fragments too: a variable's definition depends on the operation, so each operation checks anew.
        let mut visitor = Visitor {
            schema,
            document,
            operation,
            fragments: HashSet::new(),
            messages: &mut messages,
        };
        for definition in &operation.variables {
            if let Some(value) = &definition.default_value {
                visitor.value(value, None);
            }
        }
        visitor.set(&operation.selection_set);
        merging::check(document, operation, &mut messages);
    }
    if root_field::is_missing(document) {
        messages.insert("a subscription must select a field".to_owned());
    }
    messages
}

/// Position of a value: its type, and whether the position has a default. `None` inside JSON, where positions are
/// untyped.
type Position<'a> = Option<(&'a Type, bool)>;

struct Visitor<'a, 'm> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    operation: &'a Operation,
    /// Names of visited fragments: each is visited once, so cyclic or repeated spreads take no time.
    fragments: HashSet<&'a str>,
    messages: &'m mut BTreeSet<String>,
}

impl<'a> Visitor<'a, '_> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            for directive in selection.directives().iter() {
                let definition = self.schema.directive_definitions.get(&directive.name);
                let definitions = definition.map(|definition| &definition.arguments[..]);
                self.arguments(&directive.arguments, definitions.unwrap_or_default());
            }
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    if let Some(inner) = &field.selection_set {
                        self.set(inner);
                    }
                }
                Selection::InlineFragment(inner) => self.set(&inner.selection_set),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.fragment_name;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.fragments.insert(name)
                    {
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn arguments(
        &mut self,
        arguments: &'a [Node<Argument>],
        definitions: &'a [Node<InputValueDefinition>],
    ) {
        for argument in arguments {
            let mut definitions = definitions.iter();
            // Unknown arguments are apollo-compiler's to report.
            if let Some(definition) = definitions.find(|other| other.name == argument.name) {
                let position = (&*definition.ty, definition.default_value.is_some());
                self.value(&argument.value, Some(position));
            }
        }
    }

    fn value(&mut self, value: &'a Value, position: Position<'a>) {
        match value {
            Value::Variable(name) => self.variable(name, position),
            Value::List(items) => {
                // Items have no default of their own, so null stays forbidden in a list of non-null items.
                let position = position
                    .and_then(|(ty, _)| item_type(ty))
                    .map(|of| (of, false));
                for item in items {
                    self.value(item, position);
                }
            }
            Value::Object(fields) => {
                // Objects of JSON have no input type: their variables may have any type.
                let ty = position.and_then(|(ty, _)| self.schema.types.get(ty.inner_named_type()));
                let mut names = BTreeSet::new();
                for (name, value) in fields {
                    if !names.insert(name.as_str()) {
                        self.messages
                            .insert(format!("field `{name}` is there twice"));
                    }
                    let field = match ty {
                        Some(ExtendedType::InputObject(definition)) => definition.fields.get(name),
                        _ => None,
                    };
                    let position = field.map(|field| (&*field.ty, field.default_value.is_some()));
                    self.value(value, position);
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, name: &str, position: Position) {
        let mut definitions = self.operation.variables.iter();
        match definitions.find(|definition| definition.name == name) {
            None => {
                self.messages
                    .insert(format!("variable `${name}` is not defined"));
            }
            Some(definition) => {
                if let Some((ty, has_default)) = position
                    && ty.is_non_null()
                    && !has_default
                    && is_null_by_default(definition)
                {
                    self.messages.insert(format!(
                        "variable `${name}` of type `{}` can't stand where `{ty}` is expected: its default is null",
                        definition.ty
                    ));
                }
            }
        }
    }
}

fn is_null_by_default(definition: &VariableDefinition) -> bool {
    let default = definition.default_value.as_ref();
    default.is_some_and(|value| value.is_null())
}
