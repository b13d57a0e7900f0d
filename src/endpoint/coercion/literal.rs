//! Coercion of literals in documents.

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Node,
    ast::{self, Type},
    executable::{Operation, Selection, SelectionSet},
    schema::ExtendedType,
};
use async_graphql::{Name, Value};

use super::{ArgumentPath, Coercion, Spelling, Values, item_type};
use crate::error::Path;

/// Walk over the fields of an operation; enters each fragment once.
struct LiteralVisitor<'d, 'v> {
    document: &'d ExecutableDocument,
    fragments: HashSet<&'d str>,
    values: &'v mut Values,
}

impl Coercion<'_> {
    /// Checks all literals of an operation and records the argument path of each variable.
    pub fn literals<'d>(
        &mut self,
        document: &'d ExecutableDocument,
        operation: &'d Operation,
    ) -> Values {
        self.json = Some(vec![]);
        self.defaults(operation);
        // The same response name twice is a single root field, so names are counted, not selections.
        let roots = operation.root_fields(document);
        let roots: HashSet<&str> = roots.map(|field| field.response_name().as_str()).collect();
        let mut values = Values {
            root_fields: roots.len(),
            ..Values::default()
        };
        let mut walk = LiteralVisitor {
            document,
            fragments: HashSet::new(),
            values: &mut values,
        };
        self.selection_set(&operation.selection_set, true, &mut walk);
        self.field = None;
        values.json = self.json.take().unwrap_or_default();
        values
    }

    fn selection_set<'d>(
        &mut self,
        set: &'d SelectionSet,
        is_root: bool,
        walk: &mut LiteralVisitor<'d, '_>,
    ) {
        for selection in &set.selections {
            for directive in selection.directives().iter() {
                if let Some(definition) = self.schema.directive_definitions.get(&directive.name) {
                    // Directives are no arguments of a field: problems of their variables name the variable instead.
                    let apart = &mut Values::default();
                    self.arguments(&directive.arguments, &definition.arguments, apart);
                }
            }
            match selection {
                Selection::Field(field) => {
                    if is_root && walk.values.root_fields > 1 {
                        self.field = Some(field.response_name().to_string());
                    }
                    let definitions = &field.definition.arguments;
                    self.arguments(&field.arguments, definitions, walk.values);
                    if let Some(inner) = &field.selection_set {
                        self.selection_set(inner, false, walk);
                    }
                }
                Selection::InlineFragment(inner) => {
                    self.selection_set(&inner.selection_set, is_root, walk);
                }
                Selection::FragmentSpread(spread) => {
                    // Once per operation: nested spreads could otherwise repeat the same literals exponentially
                    // often.
                    let name = &spread.fragment_name;
                    if walk.fragments.insert(name)
                        && let Some(fragment) = walk.document.fragments.get(name)
                    {
                        self.selection_set(&fragment.selection_set, is_root, walk);
                    }
                }
            }
        }
    }

    fn arguments(
        &mut self,
        arguments: &[Node<ast::Argument>],
        definitions: &[Node<ast::InputValueDefinition>],
        values: &mut Values,
    ) {
        for argument in arguments {
            let name = &argument.name;
            let definition = definitions.iter().find(|known| known.name == *name);
            if let Some(definition) = definition {
                let mut path = vec![name.as_str().into()];
                self.literal(&definition.ty, &argument.value, &mut path, values);
            }
        }
    }

    fn note(&self, variable: &str, path: &Path, values: &mut Values) {
        // Keeps the first path: a variable may be used many times, and its problem is reported once.
        let known = values.variables.entry(variable.to_owned());
        known.or_insert_with(|| ArgumentPath {
            path: path.clone(),
            field: self.field.clone(),
        });
    }

    /// Checks a literal and records the paths of its variables.
    pub fn literal(&mut self, ty: &Type, value: &ast::Value, path: &mut Path, values: &mut Values) {
        match value {
            ast::Value::Variable(name) => {
                // Values of variables are unknown until the request: `Coercion::variables` checks the values.
                self.note(name, path, values);
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
        if let Some(of) = item_type(ty) {
            // List coercion: a single value counts as a list with a single item
            // (https://spec.graphql.org/September2025/#sec-List.Input-Coercion).
            let ast::Value::List(items) = value else {
                return self.literal(of, value, path, values);
            };
            if self.has_too_many(of, items.len(), path) {
                return;
            }
            for (index, value) in items.iter().enumerate() {
                if self.has_max_problems() {
                    break;
                }
                path.push(index.into());
                self.literal(of, value, path, values);
                path.pop();
            }
            return;
        }
        let name = ty.inner_named_type();
        let Some(ExtendedType::InputObject(definition)) = self.schema.types.get(name) else {
            // A document distinguishes `1.0` from `1`, so a Float literal is no Int; in variables both are the same
            // JSON number.
            if name == "Int" && matches!(value, ast::Value::Float(_)) {
                return self.wrong_type(name, path);
            }
            let mut plain = self.plain(value, path, values);
            return self.leaf(name, &mut plain, path, Spelling::GraphQl);
        };
        let ast::Value::Object(fields) = value else {
            return self.wrong_type(name, path);
        };
        if self.is_too_deep(name, path) {
            return;
        }
        for (key, value) in fields {
            if self.has_max_problems() {
                return;
            }
            path.push(key.as_str().into());
            // Bounded by the input type's name, because `in` lists are lists of plain scalars.
            if let ast::Value::List(items) = &**value {
                self.bounded(name, items.len(), path);
            }
            match definition.fields.get(key) {
                Some(field) => self.literal(&field.ty, value, path, values),
                None => self.unknown_field(name, key, path),
            }
            path.pop();
        }
        for (key, field) in &definition.fields {
            if field.is_required() && !fields.iter().any(|(sent, _)| sent == key) {
                self.missing(key, path);
            }
        }
    }

    /// Converts a literal to a plain value, with null for variables.
    pub(super) fn plain(
        &mut self,
        value: &ast::Value,
        path: &mut Path,
        values: &mut Values,
    ) -> Value {
        match value {
            ast::Value::Variable(name) => {
                self.note(name, path, values);
                Value::Null
            }
            ast::Value::Enum(name) => Value::Enum(Name::new(name.as_str())),
            ast::Value::String(text) => Value::String(text.clone()),
            ast::Value::Boolean(is) => Value::Boolean(*is),
            ast::Value::List(items) => {
                let mut plain = Vec::with_capacity(items.len());
                for (index, value) in items.iter().enumerate() {
                    path.push(index.into());
                    plain.push(self.plain(value, path, values));
                    path.pop();
                }
                Value::List(plain)
            }
            ast::Value::Object(fields) => {
                let mut plain = indexmap::IndexMap::with_capacity(fields.len());
                for (key, value) in fields {
                    path.push(key.as_str().into());
                    let value = self.plain(value, path, values);
                    plain.insert(Name::new(key.as_str()), value);
                    path.pop();
                }
                Value::Object(plain)
            }
            ast::Value::Int(text) => number(text.as_str()),
            ast::Value::Float(text) => number(text.as_str()),
            ast::Value::Null => Value::Null,
        }
    }
}

/// Parses a number as written. Numbers beyond a double's precision become placeholders.
pub fn number(text: &str) -> Value {
    let text = json_fidelity::escape_lossy(text).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}
