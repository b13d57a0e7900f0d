//! What an operation costs: how many objects its answer could hold.
//!
//! - A field without a selection is free, but for agreements, which cost 100: they read and compare whole
//!   results.
//! - A field of one object costs 1, and what is selected in it.
//! - A page costs 1, and for each item that it could hold 1 and what is selected of it; `pageInfo` is free.
//! - Any other list of objects is like a page, of as many items as its longest list argument has (of
//!   `_entities` the representations), or else of 10; a control's labels of 100. `regions` are 10: what their
//!   arguments list only filters.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, ast,
    executable::{Field, Operation, Selection, SelectionSet},
};
use async_graphql::{Response, ServerError, Value, Variables};
use serde::Serialize;

use super::error::limit_error;
use crate::domain::page::{DEFAULT_SIZE, MAX_SIZE};

/// Items that a list of unknown length is taken to hold.
const PLAIN_LIST: u64 = 10;
/// Labels that a control is taken to have: some have thousands.
const LABELS: u64 = 100;
/// What comparing annotations is taken to cost.
const AGREEMENT: u64 = 100;

/// Every event is answered anew, so a subscription may cost this much less than another operation.
const SUBSCRIPTION: u64 = 100;

/// The cost of an operation, in objects.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub requested: u64,
    pub limit: u64,
}

impl Cost {
    /// Tells the cost in a response's `extensions`.
    pub fn tell(&self, response: Response) -> Response {
        let value = async_graphql::to_value(self).unwrap_or_default();
        response.extension("cost", value)
    }
}

/// The cost of an operation, its variables known and coerced; refused when it is above the limit.
pub fn check(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &Variables,
    limit: u64,
) -> Result<Cost, ServerError> {
    let limit = match operation.is_subscription() {
        true => limit.div_ceil(SUBSCRIPTION),
        false => limit,
    };
    let mut counting = Counting {
        document,
        variables,
        fragments: HashMap::new(),
    };
    let requested = counting.set(&operation.selection_set);
    if requested > limit {
        let of_what = "objects, page sizes multiplied down";
        return Err(limit_error("cost", limit, requested, of_what));
    }
    Ok(Cost { requested, limit })
}

struct Counting<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// Each fragment is counted once, whatever the number of its spreads.
    fragments: HashMap<&'a str, u64>,
}

impl<'a> Counting<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> u64 {
        let mut sum: u64 = 0;
        for selection in &set.selections {
            sum = sum.saturating_add(match selection {
                Selection::Field(field) => self.field(&set.ty, field),
                Selection::InlineFragment(inner) => self.set(&inner.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            });
        }
        sum
    }

    fn fragment(&mut self, name: &'a str) -> u64 {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let cost = match self.document.fragments.get(name) {
            Some(fragment) => self.set(&fragment.selection_set),
            None => 0,
        };
        self.fragments.insert(name, cost);
        cost
    }

    fn field(&mut self, parent: &str, field: &'a Field) -> u64 {
        if field.selection_set.selections.is_empty() {
            return match (parent, field.name.as_str()) {
                ("Task", "agreement") | ("Annotation", "agreementWith") => AGREEMENT,
                _ => 0,
            };
        }
        let inner = self.set(&field.selection_set);
        let ty = &field.definition.ty;
        let name = ty.inner_named_type().as_str();
        let page = |items: u64| {
            items
                .saturating_mul(inner.saturating_add(1))
                .saturating_add(1)
        };
        if name.ends_with("Connection") {
            return page(self.page_size(field));
        }
        // The items of a page are counted there.
        if parent.ends_with("Connection") || parent.ends_with("Edge") {
            return inner;
        }
        if ty.is_list() {
            let unknown = match name {
                "ControlLabel" => LABELS,
                _ => PLAIN_LIST,
            };
            let told = self.longest_list(field).filter(|_| name != "Region");
            return page(told.unwrap_or(unknown));
        }
        inner.saturating_add(1)
    }

    fn page_size(&self, field: &Field) -> u64 {
        let asked = ["first", "last"]
            .into_iter()
            .filter_map(|argument| self.int(field, argument))
            .max();
        // A size that is no size is refused where the page is read.
        let size = asked.unwrap_or(DEFAULT_SIZE).clamp(0, MAX_SIZE);
        size.unsigned_abs().into()
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

    fn longest_list(&self, field: &Field) -> Option<u64> {
        let lengths = field.arguments.iter().filter_map(|argument| {
            let items = match &*argument.value {
                ast::Value::List(items) => items.len(),
                ast::Value::Variable(name) => match self.variables.get(name.as_str())? {
                    Value::List(items) => items.len(),
                    _ => return None,
                },
                _ => return None,
            };
            Some(items as u64)
        });
        lengths.max()
    }
}
