//! How much work a document can ask for, found before any of it is done.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, ast,
    executable::{Field, Operation, Selection, SelectionSet},
};
use async_graphql::{ServerError, Value, Variables};

use super::error::{LIMIT_EXCEEDED, request_error};
use crate::domain::page::{DEFAULT_SIZE, MAX_SIZE};

/// Most fields of an operation once its fragments are spread: a few lines of fragments that spread each
/// other can stand for billions.
const MAX_FIELDS: u64 = 5_000;
/// Deepest nesting of fields. The library's own bound, which it reports less well, is above it.
const MAX_LEVELS: u64 = 30;
/// Most items that the pages of an operation can hold, page sizes multiplied down the query.
const MAX_NODES: u64 = 500_000;
/// Items that a list without pages is taken to hold.
const PLAIN_LIST: u64 = 10;

/// What an operation asks for, fragments spread.
#[derive(Clone, Copy, Default)]
struct Size {
    fields: u64,
    levels: u64,
    nodes: u64,
}

/// Refuses an operation that asks for too much. Before the variables are known, each page counts as one of
/// the usual size.
pub fn check(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &Variables,
) -> Result<(), ServerError> {
    let mut measure = Measure {
        document,
        variables,
        fragments: HashMap::new(),
    };
    let size = measure.set(&operation.selection_set);
    let limits = [
        (size.fields, MAX_FIELDS, "fields, fragments spread"),
        (size.levels, MAX_LEVELS, "levels of fields"),
        (size.nodes, MAX_NODES, "items on all its pages"),
    ];
    for (asked, limit, of_what) in limits {
        if asked > limit {
            let message = format!("the operation asks for {asked} {of_what}; {limit} is the limit");
            return Err(request_error(LIMIT_EXCEEDED, message, None));
        }
    }
    Ok(())
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// Each fragment is measured once, whatever the number of its spreads.
    fragments: HashMap<&'a str, Size>,
}

impl<'a> Measure<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Size {
        let mut sum = Size::default();
        for selection in &set.selections {
            let size = match selection {
                Selection::Field(field) => self.field(field),
                Selection::InlineFragment(inner) => self.set(&inner.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            sum.fields = sum.fields.saturating_add(size.fields);
            sum.nodes = sum.nodes.saturating_add(size.nodes);
            sum.levels = sum.levels.max(size.levels);
        }
        sum
    }

    fn fragment(&mut self, name: &'a str) -> Size {
        if let Some(size) = self.fragments.get(name) {
            return *size;
        }
        let size = match self.document.fragments.get(name) {
            Some(fragment) => self.set(&fragment.selection_set),
            None => Size::default(),
        };
        self.fragments.insert(name, size);
        size
    }

    fn field(&mut self, field: &'a Field) -> Size {
        let inner = self.set(&field.selection_set);
        let items = self.items(field);
        Size {
            fields: inner.fields.saturating_add(1),
            levels: inner.levels.saturating_add(1),
            nodes: match items {
                Some(items) => items.saturating_mul(inner.nodes.saturating_add(1)),
                None => inner.nodes,
            },
        }
    }

    /// How many items the field can answer with; `None` when it is no list of things.
    fn items(&self, field: &Field) -> Option<u64> {
        let ty = &field.definition.ty;
        let name = ty.inner_named_type().as_str();
        if name.ends_with("Connection") {
            let asked = ["first", "last"]
                .into_iter()
                .filter_map(|argument| self.int(field, argument))
                .max();
            // A size that is no size is refused where the page is read.
            return Some(
                asked
                    .unwrap_or(DEFAULT_SIZE)
                    .clamp(0, MAX_SIZE)
                    .unsigned_abs()
                    .into(),
            );
        }
        // The items of a connection are counted there, the types of introspection are few.
        let is_counted = ty.is_list()
            && !field.selection_set.selections.is_empty()
            && !matches!(field.name.as_str(), "nodes" | "edges" | "_entities")
            && !name.starts_with("__");
        is_counted.then_some(PLAIN_LIST)
    }

    fn int(&self, field: &Field, argument: &str) -> Option<i32> {
        match &**field.specified_argument_by_name(argument)? {
            ast::Value::Int(number) => number.try_to_i32().ok(),
            ast::Value::Variable(name) => match self.variables.get(name.as_str())? {
                Value::Number(number) => i32::try_from(number.as_i64()?).ok(),
                _ => None,
            },
            _ => None,
        }
    }
}
