//! Validation rules that apollo-compiler lacks, all on values nested in values.

mod merging;

use std::collections::BTreeSet;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{Type, Value, VariableDefinition},
    schema::ExtendedType,
};

use crate::endpoint::coercion::item_type;

/// Position of a value: its type, and whether the position has a default. `None` inside JSON, where positions are
/// untyped.
type Position<'a> = Option<(&'a Type, bool)>;

/// Violations of rules on nested values:
/// - variables inside lists and objects that are undefined or of the wrong type ([All Variable Usages Are
///   Allowed](https://spec.graphql.org/September2025/#sec-All-Variable-Usages-Are-Allowed)),
/// - duplicate fields of an object ([Input Object Field
///   Uniqueness](https://spec.graphql.org/September2025/#sec-Input-Object-Field-Uniqueness)),
/// - lists of different lengths in fields that merge ([Field Selection
///   Merging](https://spec.graphql.org/September2025/#sec-Field-Selection-Merging)).
pub fn violations(schema: &Schema, document: &ExecutableDocument) -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for operation in document.operations.iter() {
        let mut visitor = UsageVisitor {
            schema,
            uses: vec![],
            messages: &mut messages,
        };
        for definition in &operation.variables {
            if let Some(value) = &definition.default_value {
                visitor.value(value, None);
            }
        }
        merging::check(document, operation, visitor.messages);
        // Visits fields of fragments too: a variable's definition depends on the operation, so each operation checks
        // anew.
        for field in operation.all_fields(document) {
            for argument in &field.arguments {
                if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                    let has_default = definition.default_value.is_some();
                    visitor.value(&argument.value, Some((&definition.ty, has_default)));
                }
            }
        }
        for (name, position) in visitor.uses {
            match (
                operation
                    .variables
                    .iter()
                    .find(|definition| definition.name == name),
                position,
            ) {
                (None, _) => {
                    messages.insert(format!("variable `${name}` is not defined"));
                }
                (Some(definition), Some(position)) if !fits(definition, position) => {
                    let (ty, own) = (position.0, &definition.ty);
                    messages.insert(format!(
                        "variable `${name}` of type `{own}` can't stand where `{ty}` is expected"
                    ));
                }
                _ => {}
            }
        }
    }
    messages
}

struct UsageVisitor<'a, 'm> {
    schema: &'a Schema,
    uses: Vec<(&'a str, Position<'a>)>,
    messages: &'m mut BTreeSet<String>,
}

impl<'a> UsageVisitor<'a, '_> {
    fn value(&mut self, value: &'a Value, position: Position<'a>) {
        match value {
            Value::Variable(name) => self.uses.push((name, position)),
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
}

/// Implements AreTypesCompatible and
/// [IsVariableUsageAllowed](https://spec.graphql.org/September2025/#IsVariableUsageAllowed%28%29).
fn fits(definition: &VariableDefinition, (ty, has_default): (&Type, bool)) -> bool {
    if ty.is_non_null() && !definition.ty.is_non_null() {
        // A nullable variable may stand in a non-null position when either default replaces an absent value.
        let own_default = definition.default_value.as_ref();
        let is_never_absent = has_default || own_default.is_some_and(|value| !value.is_null());
        return is_never_absent && definition.ty.is_assignable_to(&ty.clone().nullable());
    }
    definition.ty.is_assignable_to(ty)
}
