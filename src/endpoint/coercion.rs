//! Coercion of literals and variables against the declared types, before execution.
//!
//! Implements [CoerceVariableValues](https://spec.graphql.org/September2025/#sec-Coercing-Variable-Values), and
//! reports all problems with their paths instead of the first.

pub mod literal;
mod report;

use std::collections::HashMap;

use apollo_compiler::{
    Schema as ApolloSchema, ast::Type, executable::Operation, schema::ExtendedType,
};
use async_graphql::{Name, Value, Variables};

use super::suggestion::suggested;
use crate::{
    domain::filter,
    error::{Path, Problem, ProblemCode, Segment},
    graphql::scalar,
};

/// Maximum items of a list in a filter: databases bound the parameters of a statement.
const MAX_FILTER_ITEMS: usize = 1_000;
/// Maximum representations of an `_entities` field: a page of 100 below each item of a page of 100, read by a single
/// statement.
const MAX_REPRESENTATIONS: usize = 10_000;
/// Number of problems per request that suggest similar names; bounds the string comparisons.
const MAX_HINTS: usize = 20;
/// Maximum length of a path into nested filters: each level adds two segments, a key and an index.
const MAX_FILTER_PATH: usize = 2 * filter::MAX_DEPTH;

/// Facts about an operation's values, derived from its document alone and cached with the document.
#[derive(Default)]
pub struct Values {
    /// Number of root fields of the operation.
    pub root_fields: usize,
    /// First argument that each variable is passed to: problems name the argument's path.
    variables: HashMap<String, ArgumentPath>,
    /// Problems inside JSON literals. The mutation that takes the JSON reports them together with the other problems
    /// of its input.
    json: Vec<Problem>,
}

impl Values {
    /// Problems inside the document's JSON literals.
    pub fn json(&self) -> &[Problem] {
        &self.json
    }
}

/// Path of an argument, as reported in problems.
#[derive(Clone, Default)]
struct ArgumentPath {
    path: Path,
    /// Root field above the argument; `None` in operations with a single root field.
    field: Option<String>,
}

/// Coerces the values of a request and collects their problems.
pub struct Coercion<'a> {
    schema: &'a ApolloSchema,
    /// True when messages may name parts of the schema that the client did not send.
    is_open: bool,
    problems: Vec<Problem>,
    /// Problems inside JSON; `None` unless [`Self::report_json_violations`] was called.
    json: Option<Vec<Problem>>,
    /// Root field of the current value; `None` in operations with a single root field.
    field: Option<String>,
}

impl<'a> Coercion<'a> {
    /// Creates a coercion without problems. Unless `is_open`, no message names a type or field that the client did
    /// not send.
    pub fn new(schema: &'a ApolloSchema, is_open: bool) -> Self {
        Self {
            schema,
            is_open,
            problems: vec![],
            json: None,
            field: None,
        }
    }

    /// Adds problems inside JSON to those of the request.
    pub fn report_json_violations(&mut self, values: &Values) {
        self.json = Some(values.json.clone());
    }

    /// Returns the problems of the types, then those of the JSON, up to the bound.
    pub fn into_problems(self) -> Vec<Problem> {
        let json = self.json.unwrap_or_default();
        let mut problems = self.problems;
        problems.extend(json);
        problems.truncate(json_fidelity::MAX_VIOLATIONS);
        problems
    }

    /// Coerces the variables of an operation in place: checks types, rewrites spellings that async-graphql refuses
    /// (`1.0` for an Int), and inserts defaults.
    pub fn variables(&mut self, operation: &Operation, variables: &mut Variables, values: &Values) {
        for definition in &operation.variables {
            let name = definition.name.as_str();
            let argument = values.variables.get(name).cloned();
            let ArgumentPath { mut path, field } = argument.unwrap_or_else(|| ArgumentPath {
                path: vec![name.into()],
                field: None,
            });
            self.field = field;
            // A variable may be the list of an `in` filter alone; its bound depends on the argument, not on the
            // variable's type.
            if let Some(Value::List(items)) = variables.get(name)
                && matches!(path.last(), Some(Segment::Key(key)) if key == "in")
            {
                self.bounded("Filter", items.len(), &path);
            }
            match variables.get_mut(name) {
                Some(value) => self.value(&definition.ty, value, &mut path),
                None if definition.ty.is_non_null() && definition.default_value.is_none() => {
                    self.report(
                        &path,
                        ProblemCode::Required,
                        format!("variable ${name} is required"),
                    );
                }
                // async-graphql applies defaults to arguments, but not to `@skip` and `@include`.
                None => {
                    if let Some(default) = &definition.default_value {
                        let default = self.plain(default, &mut path, &mut Values::default());
                        variables.insert(Name::new(name), default);
                    }
                }
            }
        }
    }

    /// Checks the default values of an operation's variables.
    pub fn defaults(&mut self, operation: &Operation) {
        for definition in &operation.variables {
            if let Some(value) = &definition.default_value {
                let mut path = vec![definition.name.as_str().into()];
                self.literal(&definition.ty, value, &mut path, &mut Values::default());
            }
        }
    }

    fn value(&mut self, ty: &Type, value: &mut Value, path: &mut Path) {
        interrupt::check();
        if *value == Value::Null {
            if ty.is_non_null() {
                self.not_null(ty, path);
            }
            return;
        }
        if let Some(of) = item_type(ty) {
            let Value::List(items) = value else {
                // List coercion: a single value counts as a list with a single item
                // (https://spec.graphql.org/September2025/#sec-List.Input-Coercion).
                return self.value(of, value, path);
            };
            if self.has_too_many(of, items.len(), path) {
                return;
            }
            for (index, value) in items.iter_mut().enumerate() {
                if self.has_max_problems() {
                    break;
                }
                path.push(index.into());
                self.value(of, value, path);
                path.pop();
            }
            return;
        }
        let name = ty.inner_named_type();
        let Some(ExtendedType::InputObject(definition)) = self.schema.types.get(name) else {
            return self.leaf(name, value, path, Spelling::Json);
        };
        let Value::Object(fields) = value else {
            return self.wrong_type(name, path);
        };
        // Filters nest recursively: the bound keeps this recursion, and the SQL built from the filter, shallow.
        if self.is_too_deep(name, path) {
            return;
        }
        for (key, value) in fields.iter_mut() {
            interrupt::check();
            // Skips the remaining fields once the report is full: a client could make us check megabytes for nothing.
            if self.has_max_problems() {
                return;
            }
            path.push(key.as_str().into());
            if let Value::List(items) = value {
                self.bounded(name, items.len(), path);
            }
            match definition.fields.get(key.as_str()) {
                Some(field) => self.value(&field.ty, value, path),
                None => self.unknown_field(name, key, path),
            }
            path.pop();
        }
        // Absent fields come after present ones, so that problems follow the order of the input.
        for (key, field) in &definition.fields {
            if field.is_required() && !fields.contains_key(&Name::new(key.as_str())) {
                self.missing(key, path);
            }
        }
    }

    fn leaf(&mut self, name: &str, value: &mut Value, path: &Path, spelling: Spelling) {
        // JSON scalars keep placeholders and report violations by path; every other scalar refuses a placeholder as a
        // whole.
        let is_json = matches!(name, "JSONObject" | "JSON");
        if !is_json && let Some(violation) = violation_of(value) {
            return self.report(path, violation.code, violation.message.to_owned());
        }
        let fits = match name {
            "Int" => return self.int(value, path),
            "_Any" => return self.representation(value, path),
            "Float" => matches!(value, Value::Number(_)),
            "String" => matches!(value, Value::String(_)),
            "Boolean" => matches!(value, Value::Boolean(_)),
            "ID" => match value {
                // ID accepts strings and integers, never floats
                // (https://spec.graphql.org/September2025/#sec-ID.Input-Coercion).
                Value::String(_) => true,
                Value::Number(number) => number.is_i64() || number.is_u64(),
                _ => false,
            },
            name => match self.schema.types.get(name) {
                Some(ExtendedType::Enum(definition)) => {
                    // Enums are names in documents and strings in JSON; a quoted name in a document is an error
                    // (https://spec.graphql.org/September2025/#sec-Enums.Input-Coercion).
                    let spelled = match (&*value, spelling) {
                        (Value::Enum(name), Spelling::GraphQl) => Some(name.as_str()),
                        (Value::String(name), Spelling::Json) => Some(name.as_str()),
                        _ => None,
                    };
                    match spelled {
                        Some(name) if definition.values.contains_key(name) => true,
                        Some(value) => {
                            let known = definition.values.keys().map(|name| name.as_str());
                            let hint = suggested(self.has_hints(), value, known);
                            let message = format!("expected a value of type {name}{hint}");
                            return self.report(path, ProblemCode::WrongType, message);
                        }
                        None => false,
                    }
                }
                _ => scalar::is_valid(name, value),
            },
        };
        if !fits {
            self.wrong_type(name, path);
        } else if is_json {
            self.check_json(value, path);
        }
    }

    fn int(&mut self, value: &mut Value, path: &Path) {
        let Value::Number(number) = value else {
            return self.wrong_type("Int", path);
        };
        // Variables may write an Int as `1.0` or `1e3`; floats beyond 2^53 are no longer exact integers
        // (https://spec.graphql.org/September2025/#sec-Int.Input-Coercion).
        let whole = number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 2_f64.powi(53)).then_some(float as i64)
        });
        match whole.map(i32::try_from) {
            Some(Ok(whole)) => *value = Value::Number(whole.into()),
            None if number.is_f64() => self.wrong_type("Int", path),
            Some(Err(_)) | None => self.report(
                path,
                ProblemCode::NumberOutOfRange,
                "an Int has 32 bits".to_owned(),
            ),
        }
    }

    /// Checks a representation's `__typename` and `id`. async-graphql drops all entities of a request when a single
    /// representation has an unknown type, so unknown types are refused here, each with its path.
    ///
    /// Rules of the entities:
    /// <https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec>.
    fn representation(&mut self, value: &Value, path: &Path) {
        let Value::Object(fields) = value else {
            return self.wrong_type("_Any", path);
        };
        let at = |key: &str| path.iter().cloned().chain([key.into()]).collect::<Path>();
        let is_entity = match (fields.get("__typename"), self.schema.get_union("_Entity")) {
            (Some(Value::String(name)), Some(entities)) => entities.members.contains(name.as_str()),
            _ => false,
        };
        if !is_entity {
            let message = "expected the name of an entity's type".to_owned();
            self.report(&at("__typename"), ProblemCode::WrongType, message);
        }
        match fields.get("id") {
            Some(id) => self.leaf("ID", &mut id.clone(), &at("id"), Spelling::Json),
            None => self.missing("id", path),
        }
    }
}

/// Notation of enum values: a name in a document, a string in JSON.
#[derive(Clone, Copy)]
enum Spelling {
    GraphQl,
    Json,
}

/// Item type of a list type; `None` for named types.
pub fn item_type(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(of) | Type::NonNullList(of) => Some(of),
        Type::Named(_) | Type::NonNullNamed(_) => None,
    }
}

/// Fault recorded by a placeholder, when a placeholder stands where a scalar is expected.
fn violation_of(value: &Value) -> Option<json_fidelity::Violation> {
    // Serialises the object because `json_fidelity::scan` recognises placeholders in JSON text.
    let Value::Object(_) = value else { return None };
    let text = serde_json::to_string(value).ok()?;
    let violations = json_fidelity::scan(&text).ok()?;
    violations
        .into_iter()
        .find(|violation| violation.path.is_empty())
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ExecutableDocument;

    use super::*;

    /// Coerces a variable `$v` of a type; returns its value afterwards and the number of problems.
    fn coerced(ty: &str, value: &serde_json::Value) -> (Value, usize) {
        let schema = "input In { a: Int } type Query { list(v: [Int]): Int, object(v: In): Int }";
        let schema = ApolloSchema::parse_and_validate(schema, "schema").unwrap();
        let field = if ty == "In" { "object" } else { "list" };
        let document = format!("query($v: {ty}) {{ {field}(v: $v) }}");
        let document =
            ExecutableDocument::parse_and_validate(&schema, document, "document").unwrap();
        let operation = document.operations.get(None).unwrap();
        let variables = serde_json::json!({ "v": value });
        let mut variables: Variables = serde_json::from_value(variables).unwrap();
        let mut coercion = Coercion::new(&schema, true);
        coercion.variables(operation, &mut variables, &Values::default());
        let problems = coercion.into_problems().len();
        (variables.get("v").cloned().unwrap_or_default(), problems)
    }

    #[test]
    fn the_first_problems_suggest_names() {
        let schema = "input In { width: Int } type Query { f(v: In): Int }";
        let schema = ApolloSchema::parse_and_validate(schema, "schema").unwrap();
        let mut coercion = Coercion::new(&schema, true);
        for _ in 0..MAX_HINTS + 1 {
            coercion.unknown_field("In", "widht", &vec![]);
        }
        let problems = coercion.into_problems();
        let (last, first) = problems.split_last().unwrap();
        let message = "In has no such field. Did you mean \"width\"?";
        assert!(first.iter().all(|problem| problem.message == message));
        assert_eq!(last.message, "In has no such field");
    }

    /// Detects by the rewrite of `1.0` to `1` whether coercion reached the last item.
    #[test]
    fn nothing_is_looked_at_behind_the_last_problem_that_is_told() {
        for (bad, told, expected) in [
            (999, 999, "1"),
            (1_000, 1_000, "1.0"),
            (1_001, 1_000, "1.0"),
        ] {
            let mut items = vec![serde_json::json!("x"); bad];
            items.push(serde_json::json!(1.0));
            let (value, problems) = coerced("[Int]", &items.into());
            let Value::List(items) = value else {
                panic!("another kind of value")
            };
            assert_eq!(problems, told);
            assert_eq!(items.last().unwrap().to_string(), expected, "{bad}");
            let mut fields: serde_json::Map<_, _> =
                (0..bad).map(|key| (format!("x{key}"), 1.into())).collect();
            fields.insert("a".to_owned(), serde_json::json!(1.0));
            let (value, problems) = coerced("In", &fields.into());
            let Value::Object(fields) = value else {
                panic!("another kind of value")
            };
            assert_eq!(problems, told);
            assert_eq!(fields["a"].to_string(), expected, "{bad}");
        }
    }
}
