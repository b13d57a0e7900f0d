//! Cost of an operation: upper bound of the objects that its answer can hold.
//!
//! - Leaf fields are free, with two exceptions. Agreements read and compare whole results: 100 each. Counts
//!   (`totalCount`, and `taskCount` and `annotationCount` of a project) may scan a whole table: 1,000 each;
//!   `totalCount` of all annotations of a task is free, because the task has a counter.
//! - An object costs 1 plus its selection.
//! - A page costs 1, plus for each item it can hold 1 and the selection per item; `pageInfo` is free. The default
//!   page size is 50 at the root and 20 below an object.
//! - Any other list of objects counts as a page with as many items as the longest list argument (for `_entities` the
//!   representations), or else 10; a control's labels count 100. `regions` count 10: their list arguments only
//!   filter.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, ast,
    executable::{Field, Operation, Selection, SelectionSet},
};
use async_graphql::{Response, ServerError, Value, Variables};
use serde::Serialize;

use crate::domain::page::{DEFAULT_SIZE, MAX_SIZE, NESTED_DEFAULT_SIZE};
use crate::graphql::error::limit_error;

/// Assumed length of a list of unknown length.
const PLAIN_LIST: u64 = 10;
/// Assumed labels of a control: some controls have thousands.
const LABELS: u64 = 100;
/// Cost of an agreement, which compares the regions of two results.
const AGREEMENT: u64 = 100;
/// Cost of a count.
const COUNT: u64 = 1_000;

/// Divisor of the limit for subscriptions: each event executes the selection again.
const SUBSCRIPTION: u64 = 100;

/// Cost of an operation, in objects, with the limit that applied.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub requested: u64,
    pub limit: u64,
}

impl Cost {
    /// Adds the cost to a response's `extensions`.
    pub fn add_to(&self, response: Response) -> Response {
        let value = async_graphql::to_value(self).unwrap_or_default();
        response.extension("cost", value)
    }
}

/// Computes the cost of an operation from its coerced variables. Refuses costs above the limit.
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
    let mut estimator = Estimator {
        document,
        variables,
        has_counter: false,
        fragments: HashMap::new(),
    };
    // Saturating sums: a cost beyond u64 compares as too high instead of wrapping to a small number.
    let requested = estimator.selection_set(&operation.selection_set).total();
    if requested > limit {
        let of_what = "objects, page sizes multiplied down";
        return Err(limit_error("cost", limit, requested, of_what));
    }
    Ok(Cost { requested, limit })
}

/// Cost of a selection, split by multiplication.
#[derive(Clone, Copy, Default)]
struct Weight {
    /// Cost per item, multiplied by the page size when the selection belongs to a page.
    each: u64,
    /// Cost per page, independent of the page size.
    once: u64,
}

impl Weight {
    fn each(each: u64) -> Self {
        Self { each, once: 0 }
    }

    fn once(once: u64) -> Self {
        Self { each: 0, once }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            each: self.each.saturating_add(other.each),
            once: self.once.saturating_add(other.once),
        }
    }

    fn total(self) -> u64 {
        self.each.saturating_add(self.once)
    }
}

struct Estimator<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// True when a stored counter answers `totalCount` in the current selection.
    has_counter: bool,
    /// Cost of each fragment by name and `has_counter`: bounds the walk to two per fragment, however often it is
    /// spread.
    fragments: HashMap<(&'a str, bool), Weight>,
}

impl<'a> Estimator<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet) -> Weight {
        let mut sum = Weight::default();
        for selection in &set.selections {
            sum = sum.plus(match selection {
                Selection::Field(field) => self.field(&set.ty, field),
                Selection::InlineFragment(inner) => self.selection_set(&inner.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            });
        }
        sum
    }

    fn fragment(&mut self, name: &'a str) -> Weight {
        // The same fragment costs less below `Task.annotations`, where its `totalCount` is free.
        let key = (name, self.has_counter);
        if let Some(weight) = self.fragments.get(&key) {
            return *weight;
        }
        let weight = match self.document.fragments.get(name) {
            Some(fragment) => self.selection_set(&fragment.selection_set),
            None => Weight::default(),
        };
        self.fragments.insert(key, weight);
        weight
    }

    fn field(&mut self, parent: &str, field: &'a Field) -> Weight {
        let Some(set) = &field.selection_set else {
            return match (parent, field.name.as_str()) {
                ("Task", "agreement") | ("Annotation", "agreementWith") => Weight::each(AGREEMENT),
                ("Project", "taskCount" | "annotationCount") => Weight::each(COUNT),
                (_, "totalCount") if !self.has_counter => Weight::once(COUNT),
                _ => Weight::default(),
            };
        };
        // Holds for the direct selection only: nested connections decide anew, so the outer value returns afterwards.
        let has_counter =
            parent == "Task" && field.name == "annotations" && self.is_unfiltered(field);
        let outer = std::mem::replace(&mut self.has_counter, has_counter);
        let inner = self.selection_set(set);
        self.has_counter = outer;
        Weight::each(self.object(parent, field, inner))
    }

    /// Cost of a field whose selection has the weight `inner`.
    fn object(&self, parent: &str, field: &Field, inner: Weight) -> u64 {
        let ty = &field.definition.ty;
        let name = ty.inner_named_type().as_str();
        let page = |items: u64| {
            items
                .saturating_mul(inner.each.saturating_add(1))
                .saturating_add(1)
                .saturating_add(inner.once)
        };
        if name.ends_with("Connection") {
            return page(self.page_size(parent, field));
        }
        // `edges`, `node` and `nodes` add nothing: the connection above already multiplied by the page size.
        if parent.ends_with("Connection") || parent.ends_with("Edge") {
            return inner.total();
        }
        if ty.is_list() {
            let unknown = match name {
                "ControlLabel" => LABELS,
                _ => PLAIN_LIST,
            };
            // `regions(types: [...])` filters, so a list argument says nothing on the number of regions.
            let listed = self.longest_list(field).filter(|_| name != "Region");
            return page(listed.unwrap_or(unknown));
        }
        inner.total().saturating_add(1)
    }

    /// Checks whether a list has no filter: absent, null and `{}` count as none.
    fn is_unfiltered(&self, field: &Field) -> bool {
        let Some(filter) = field.specified_argument_by_name("filter") else {
            return true;
        };
        match &**filter {
            ast::Value::Null => true,
            ast::Value::Object(fields) => fields.is_empty(),
            ast::Value::Variable(name) => match self.variables.get(name.as_str()) {
                None | Some(Value::Null) => true,
                Some(Value::Object(fields)) => fields.is_empty(),
                Some(_) => false,
            },
            _ => false,
        }
    }

    fn page_size(&self, parent: &str, field: &Field) -> u64 {
        // Invalid requests may give both `first` and `last`; the larger is an upper bound for either.
        let asked = ["first", "last"]
            .into_iter()
            .filter_map(|argument| self.int(field, argument))
            .max();
        // Sizes out of range clamp here; the page itself refuses them with the argument's path.
        let unless_given = match parent {
            "Query" => DEFAULT_SIZE,
            _ => NESTED_DEFAULT_SIZE,
        };
        let size = asked.unwrap_or(unless_given).clamp(0, MAX_SIZE);
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
