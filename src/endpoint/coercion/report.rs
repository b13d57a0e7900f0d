//! Problems of values, and the bounds that stop coercion early.

use apollo_compiler::ast::Type;
use async_graphql::Value;

use super::{Coercion, MAX_FILTER_ITEMS, MAX_FILTER_PATH, MAX_HINTS, MAX_REPRESENTATIONS};
use crate::{
    domain::filter,
    endpoint::suggestion::suggested,
    error::{Path, Problem, ProblemCode, Segment},
    graphql::scalar,
};

impl Coercion<'_> {
    /// Checks whether problems suggest similar names. Comparing names takes far longer than the check itself, so only
    /// the first problems have suggestions.
    pub(super) fn has_hints(&self) -> bool {
        self.is_open && self.problems.len() < MAX_HINTS
    }

    /// Checks whether the report is full.
    pub(super) fn has_max_problems(&self) -> bool {
        self.problems.len() >= json_fidelity::MAX_VIOLATIONS
    }

    pub(super) fn report(&mut self, path: &[Segment], code: ProblemCode, message: String) {
        if self.has_max_problems() {
            return;
        }
        let problem = Problem::new(path.to_vec(), code, message);
        self.problems.push(problem.of(self.field.clone()));
    }

    pub(super) fn wrong_type(&mut self, name: &str, path: &Path) {
        let message = match scalar::expected(name) {
            Some(expected) => format!("expected {expected}"),
            None => format!("expected a value of type {name}"),
        };
        self.report(path, ProblemCode::WrongType, message);
    }

    pub(super) fn not_null(&mut self, ty: &Type, path: &Path) {
        self.report(
            path,
            ProblemCode::NullNotAllowed,
            format!("expected a value of type {ty}, not null"),
        );
    }

    /// Reports lists in filters that exceed the bound.
    pub(super) fn bounded(&mut self, name: &str, items: usize, path: &Path) {
        if name.ends_with("Filter") && items > MAX_FILTER_ITEMS {
            let message = format!("a filter lists at most {MAX_FILTER_ITEMS} values");
            self.report(path, ProblemCode::TooLong, message);
        }
    }

    /// Reports too many representations of `_entities`, before their items are coerced.
    pub(super) fn has_too_many(&mut self, of: &Type, items: usize, path: &Path) -> bool {
        let has_too_many = of.inner_named_type() == "_Any" && items > MAX_REPRESENTATIONS;
        if has_too_many {
            let message =
                format!("a request resolves at most {MAX_REPRESENTATIONS} representations");
            self.report(path, ProblemCode::TooLong, message);
        }
        has_too_many
    }

    /// Reports filters nested too deeply, before recursion.
    pub(super) fn is_too_deep(&mut self, name: &str, path: &Path) -> bool {
        let is_too_deep = name.ends_with("Filter") && path.len() > MAX_FILTER_PATH;
        if is_too_deep {
            let message = format!("filters are at most {} levels deep", filter::MAX_DEPTH);
            self.report(path, ProblemCode::TooDeep, message);
        }
        is_too_deep
    }

    pub(super) fn unknown_field(&mut self, name: &str, key: &str, path: &Path) {
        let known = self.schema.get_input_object(name).into_iter();
        let known = known.flat_map(|ty| ty.fields.keys().map(|name| name.as_str()));
        let hint = suggested(self.has_hints(), key, known);
        let message = format!("{name} has no such field{hint}");
        self.report(path, ProblemCode::UnknownField, message);
    }

    pub(super) fn missing(&mut self, key: &str, path: &Path) {
        let mut path = path.clone();
        // The path would name a field that the client didn't send, so closed schemas omit the name.
        let message = if self.is_open {
            path.push(key.into());
            "this field is required"
        } else {
            "a field that is required is missing"
        };
        self.report(&path, ProblemCode::Required, message.to_owned());
    }

    /// Collects faults inside JSON, if the caller reports them.
    pub(super) fn check_json(&mut self, value: &Value, path: &[Segment]) {
        let Some(known) = &mut self.json else { return };
        if known.len() >= json_fidelity::MAX_VIOLATIONS {
            return;
        }
        // Scans text because placeholders are defined on JSON text; the value was escaped before parsing.
        let text = serde_json::to_string(value).unwrap_or_default();
        for violation in json_fidelity::scan(&text).unwrap_or_default() {
            if known.len() < json_fidelity::MAX_VIOLATIONS {
                let path = path.iter().cloned().chain(violation.path);
                let problem = Problem::new(path, violation.code, violation.message);
                known.push(problem.of(self.field.clone()));
            }
        }
    }
}
