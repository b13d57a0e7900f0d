//! Translation of apollo-compiler's AST to async-graphql's.
//!
//! The parsers of the two libraries differ in corners: `\u{1F600}`, white space within types, numbers beyond a
//! double. Translating instead of parsing twice guarantees that the validated document is the executed document.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node,
    ast::{self, Definition},
    parser::SourceSpan,
};
use async_graphql::{
    Name as Text, Pos, Positioned, Value as ConstValue,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
        FragmentSpread, InlineFragment, OperationDefinition, OperationType, Selection,
        SelectionSet, Type, TypeCondition, VariableDefinition,
    },
};
use async_graphql_value::Value;

use crate::{
    endpoint::{coercion::literal::number, workarounds::positions},
    error::LineIndex,
    graphql::entity::{self, ENTITIES},
};

/// Translates a valid document.
pub fn document(source: &ast::Document, text: &str) -> ExecutableDocument {
    let mut translator = Translator {
        lines: LineIndex::new(text),
    };
    let mut operations = vec![];
    let mut fragments = HashMap::new();
    for definition in &source.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                let name = operation.name.as_ref().map(name);
                operations.push((name, translator.operation(operation)));
            }
            Definition::FragmentDefinition(fragment) => {
                let translated = translator.fragment(fragment);
                fragments.insert(name(&fragment.name), translated);
            }
            _ => {}
        }
    }
    // async-graphql distinguishes an anonymous operation, valid only alone, from named operations.
    let operations = match operations.pop() {
        Some((None, only)) => DocumentOperations::Single(only),
        last => {
            let named = operations.into_iter().chain(last);
            let named = named.filter_map(|(name, operation)| Some((name?, operation)));
            DocumentOperations::Multiple(named.collect())
        }
    };
    ExecutableDocument {
        operations,
        fragments,
    }
}

/// Translates the kind of an operation from apollo-compiler's type to async-graphql's.
pub fn operation_type(ty: ast::OperationType) -> OperationType {
    match ty {
        ast::OperationType::Query => OperationType::Query,
        ast::OperationType::Mutation => OperationType::Mutation,
        ast::OperationType::Subscription => OperationType::Subscription,
    }
}

struct Translator<'a> {
    lines: LineIndex<'a>,
}

impl Translator<'_> {
    fn at(&mut self, span: Option<SourceSpan>) -> Pos {
        positions::of(span, &self.lines).unwrap_or_default()
    }

    fn name(&mut self, source: &Name) -> Positioned<Text> {
        let at = self.at(source.location());
        Positioned::new(name(source), at)
    }

    fn operation(
        &mut self,
        source: &Node<ast::OperationDefinition>,
    ) -> Positioned<OperationDefinition> {
        let at = self.at(source.location());
        let translated = OperationDefinition {
            ty: operation_type(source.operation_type),
            variable_definitions: source
                .variables
                .iter()
                .map(|it| self.variable(it))
                .collect(),
            directives: self.directives(&source.directives),
            selection_set: self.set(&source.selection_set, at),
        };
        Positioned::new(translated, at)
    }

    fn variable(
        &mut self,
        source: &Node<ast::VariableDefinition>,
    ) -> Positioned<VariableDefinition> {
        let at = self.at(source.location());
        // Type references of the two libraries share no structure, but the same notation.
        let ty = Type::new(&source.ty.to_string()).expect("a type is printed as it is read");
        let default = source.default_value.as_deref();
        let translated = VariableDefinition {
            name: self.name(&source.name),
            var_type: Positioned::new(ty, at),
            directives: self.directives(&source.directives),
            default_value: default
                .and_then(|default| value(default).into_const())
                .map(|default| Positioned::new(default, at)),
        };
        Positioned::new(translated, at)
    }

    fn fragment(
        &mut self,
        source: &Node<ast::FragmentDefinition>,
    ) -> Positioned<FragmentDefinition> {
        let at = self.at(source.location());
        let translated = FragmentDefinition {
            type_condition: self.condition(&source.type_condition),
            directives: self.directives(&source.directives),
            selection_set: self.set(&source.selection_set, at),
        };
        Positioned::new(translated, at)
    }

    fn condition(&mut self, source: &Name) -> Positioned<TypeCondition> {
        let on = self.name(source);
        let at = on.pos;
        Positioned::new(TypeCondition { on }, at)
    }

    fn set(&mut self, source: &[ast::Selection], at: Pos) -> Positioned<SelectionSet> {
        let items = source.iter().map(|selection| self.selection(selection));
        let items = items.collect();
        Positioned::new(SelectionSet { items }, at)
    }

    fn selection(&mut self, source: &ast::Selection) -> Positioned<Selection> {
        match source {
            ast::Selection::Field(field) => {
                let at = self.at(field.location());
                let mut alias = field.alias.as_ref().map(|alias| self.name(alias));
                let mut name = self.name(&field.name);
                // `_entities` runs as a field that resolves each representation by index; the alias keeps the
                // response key. Safe by name alone: no other type has a field of this name.
                if name.node == ENTITIES {
                    alias = alias.or_else(|| Some(name.clone()));
                    name.node = Text::new(entity::ENTITIES_BY_INDEX);
                }
                let translated = Field {
                    alias,
                    name,
                    arguments: self.arguments(&field.arguments),
                    directives: self.directives(&field.directives),
                    selection_set: self.set(field.selection_set.as_deref().unwrap_or_default(), at),
                };
                Positioned::new(Selection::Field(Positioned::new(translated, at)), at)
            }
            ast::Selection::FragmentSpread(spread) => {
                let at = self.at(spread.location());
                let translated = FragmentSpread {
                    fragment_name: self.name(&spread.fragment_name),
                    directives: self.directives(&spread.directives),
                };
                Positioned::new(
                    Selection::FragmentSpread(Positioned::new(translated, at)),
                    at,
                )
            }
            ast::Selection::InlineFragment(inner) => {
                let at = self.at(inner.location());
                let condition = inner.type_condition.as_ref();
                let translated = InlineFragment {
                    type_condition: condition.map(|name| self.condition(name)),
                    directives: self.directives(&inner.directives),
                    selection_set: self.set(&inner.selection_set, at),
                };
                Positioned::new(
                    Selection::InlineFragment(Positioned::new(translated, at)),
                    at,
                )
            }
        }
    }

    fn directives(&mut self, source: &[Node<ast::Directive>]) -> Vec<Positioned<Directive>> {
        let translated = source.iter().map(|directive| {
            let at = self.at(directive.location());
            let translated = Directive {
                name: self.name(&directive.name),
                arguments: self.arguments(&directive.arguments),
            };
            Positioned::new(translated, at)
        });
        translated.collect()
    }

    fn arguments(
        &mut self,
        source: &[Node<ast::Argument>],
    ) -> Vec<(Positioned<Text>, Positioned<Value>)> {
        let translated = source.iter().map(|argument| {
            let name = self.name(&argument.name);
            let at = self.at(argument.value.location());
            (name, Positioned::new(value(&argument.value), at))
        });
        translated.collect()
    }
}

fn name(source: &Name) -> Text {
    Text::new(source.as_str())
}

fn value(source: &ast::Value) -> Value {
    match source {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(of) => Value::Enum(name(of)),
        ast::Value::Variable(of) => Value::Variable(name(of)),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Float(of) => constant(number(of.as_str())),
        ast::Value::Int(of) => constant(number(of.as_str())),
        ast::Value::Boolean(is) => Value::Boolean(*is),
        ast::Value::List(items) => Value::List(items.iter().map(|item| value(item)).collect()),
        ast::Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(fields.map(|(key, of)| (name(key), value(of))).collect())
        }
    }
}

fn constant(value: ConstValue) -> Value {
    value.into_value()
}
