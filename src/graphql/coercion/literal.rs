//! Literals of documents against their types.

use apollo_compiler::{
    ast::{self, Type},
    schema::ExtendedType,
};
use async_graphql::{Name, Value};

use super::{Coercion, Spelling, VariablePaths, item};
use crate::{error::Path, labelstudio::document};

impl Coercion<'_> {
    /// Checks a literal of the document, and notes the paths of variables in it.
    pub fn literal(
        &mut self,
        ty: &Type,
        value: &ast::Value,
        path: &mut Path,
        variables: &mut VariablePaths,
    ) {
        match value {
            ast::Value::Variable(name) => {
                let known = variables.entry(name.as_str().to_owned());
                known.or_insert_with(|| path.clone());
                return;
            }
            ast::Value::Null => {
                if ty.is_non_null() {
                    self.not_null(ty, path);
                }
                return;
            }
            _ => {}
        }
        if let Some(of) = item(ty) {
            let ast::Value::List(items) = value else {
                return self.literal(of, value, path, variables);
            };
            for (index, value) in items.iter().enumerate() {
                path.push(index.into());
                self.literal(of, value, path, variables);
                path.pop();
            }
            return;
        }
        let name = ty.inner_named_type();
        let Some(ExtendedType::InputObject(definition)) = self.schema.types.get(name) else {
            let before = self.problems.len();
            let mut plain = self.plain(value, path, variables);
            if self.problems.len() == before {
                self.leaf(name, &mut plain, path, Spelling::GraphQl);
            }
            return;
        };
        let ast::Value::Object(fields) = value else {
            return self.wrong(name, path);
        };
        for (key, value) in fields {
            path.push(key.as_str().into());
            if let ast::Value::List(items) = &**value {
                self.bounded(name, items.len(), path);
            }
            match definition.fields.get(key) {
                Some(field) => self.literal(&field.ty, value, path, variables),
                None => self.unknown_field(name, path),
            }
            path.pop();
        }
        for (key, field) in &definition.fields {
            if field.is_required() && !fields.iter().any(|(sent, _)| sent == key) {
                self.missing(key, path);
            }
        }
    }

    /// A literal as a plain value. Numbers that a value can't hold are problems of their own.
    pub(super) fn plain(
        &mut self,
        value: &ast::Value,
        path: &mut Path,
        variables: &mut VariablePaths,
    ) -> Value {
        if let Some(text) = number_text(value) {
            return match serde_json::from_str(text) {
                Ok(number) if document::scan(text).is_ok_and(|faults| faults.is_empty()) => {
                    Value::Number(number)
                }
                _ => {
                    self.out_of_range(path);
                    Value::Null
                }
            };
        }
        match value {
            ast::Value::Variable(name) => {
                let known = variables.entry(name.as_str().to_owned());
                known.or_insert_with(|| path.clone());
                Value::Null
            }
            ast::Value::Enum(name) => Value::Enum(Name::new(name.as_str())),
            ast::Value::String(text) => Value::String(text.clone()),
            ast::Value::Boolean(is) => Value::Boolean(*is),
            ast::Value::List(items) => {
                let mut plain = Vec::with_capacity(items.len());
                for (index, value) in items.iter().enumerate() {
                    path.push(index.into());
                    plain.push(self.plain(value, path, variables));
                    path.pop();
                }
                Value::List(plain)
            }
            ast::Value::Object(fields) => {
                let mut plain = indexmap::IndexMap::with_capacity(fields.len());
                for (key, value) in fields {
                    path.push(key.as_str().into());
                    let value = self.plain(value, path, variables);
                    plain.insert(Name::new(key.as_str()), value);
                    path.pop();
                }
                Value::Object(plain)
            }
            _ => Value::Null,
        }
    }
}

/// A literal's number as the text it was written in.
fn number_text(value: &ast::Value) -> Option<&str> {
    match value {
        ast::Value::Int(number) => Some(number.as_str()),
        ast::Value::Float(number) => Some(number.as_str()),
        _ => None,
    }
}
