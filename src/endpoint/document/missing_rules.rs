//! Rules of the specification that apollo-compiler does not check: on values inside of values.

mod merging;

use std::collections::BTreeSet;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{Type, Value, VariableDefinition},
    schema::ExtendedType,
};

use crate::endpoint::coercion::item_type;

/// Where a value stands: its type, and whether something stands in for a value that is absent. Inside of
/// JSON no position has a type.
type Position<'a> = Option<(&'a Type, bool)>;

/// Variables in input objects and lists that are not defined or not of the position's type, fields that an
/// object has twice, and lists of different lengths in arguments that have to be the same.
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
                let position = position
                    .and_then(|(ty, _)| item_type(ty))
                    .map(|of| (of, false));
                for item in items {
                    self.value(item, position);
                }
            }
            Value::Object(fields) => {
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

/// AreTypesCompatible and IsVariableUsageAllowed of the specification.
fn fits(definition: &VariableDefinition, (ty, has_default): (&Type, bool)) -> bool {
    if ty.is_non_null() && !definition.ty.is_non_null() {
        let own_default = definition.default_value.as_ref();
        let is_never_absent = has_default || own_default.is_some_and(|value| !value.is_null());
        return is_never_absent && definition.ty.is_assignable_to(&ty.clone().nullable());
    }
    definition.ty.is_assignable_to(ty)
}
