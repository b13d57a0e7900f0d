//! Rules of the specification that apollo-compiler does not check: on values inside of values.

mod merging;

use std::collections::BTreeSet;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{Type, Value, VariableDefinition},
    schema::ExtendedType,
};

use crate::endpoint::coercion::item;

/// Where a value stands: its type, and whether something stands in for a value that is absent. Inside of
/// JSON no place has a type.
type Place<'a> = Option<(&'a Type, bool)>;

/// Variables in input objects and lists that are not defined or not of the place's type, fields that an
/// object has twice, and lists of different lengths in arguments that have to be the same.
pub fn broken(schema: &Schema, document: &ExecutableDocument) -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for operation in document.operations.iter() {
        let mut search = Search {
            schema,
            uses: vec![],
            messages: &mut messages,
        };
        for definition in &operation.variables {
            if let Some(value) = &definition.default_value {
                search.value(value, None);
            }
        }
        merging::check(document, operation, search.messages);
        for field in operation.all_fields(document) {
            for argument in &field.arguments {
                if let Some(definition) = field.definition.argument_by_name(&argument.name) {
                    let has_default = definition.default_value.is_some();
                    search.value(&argument.value, Some((&definition.ty, has_default)));
                }
            }
        }
        for (name, place) in search.uses {
            match (
                operation
                    .variables
                    .iter()
                    .find(|definition| definition.name == name),
                place,
            ) {
                (None, _) => {
                    messages.insert(format!("variable `${name}` is not defined"));
                }
                (Some(definition), Some(place)) if !fits(definition, place) => {
                    let (ty, own) = (place.0, &definition.ty);
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

struct Search<'a, 'm> {
    schema: &'a Schema,
    uses: Vec<(&'a str, Place<'a>)>,
    messages: &'m mut BTreeSet<String>,
}

impl<'a> Search<'a, '_> {
    fn value(&mut self, value: &'a Value, place: Place<'a>) {
        match value {
            Value::Variable(name) => self.uses.push((name, place)),
            Value::List(items) => {
                let place = place.and_then(|(ty, _)| item(ty)).map(|of| (of, false));
                for item in items {
                    self.value(item, place);
                }
            }
            Value::Object(fields) => {
                let ty = place.and_then(|(ty, _)| self.schema.types.get(ty.inner_named_type()));
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
                    let place = field.map(|field| (&*field.ty, field.default_value.is_some()));
                    self.value(value, place);
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
