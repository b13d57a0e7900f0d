//! Suggestions such as `Did you mean "viewer"?` for unknown names.
//!
//! Follows graphql-js's [distance and
//! threshold](https://github.com/graphql/graphql-js/blob/main/src/jsutils/suggestionList.ts).

use std::borrow::Cow;

use apollo_compiler::{Schema, schema::ExtendedType};

/// Maximum number of suggested names.
const MAX_SUGGESTIONS: usize = 5;

/// Suggests names for a diagnostic of apollo-compiler, as a suffix of its message. Empty when no name is similar or
/// the diagnostic has no name.
pub fn of(schema: &Schema, kind: Option<&str>, message: &str) -> String {
    // apollo-compiler has no structured access to the names, but quotes them with backticks, in a stable order per
    // kind.
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (kind, &quoted[..]) {
        (Some("UndefinedField"), [ty, field]) => among(field, fields(schema, ty)),
        (Some("UndefinedArgument"), [argument, coordinate]) => {
            among(argument, arguments(schema, coordinate).into_iter())
        }
        (Some("UndefinedDirective"), [directive]) => {
            let known = schema.directive_definitions.keys();
            among(
                directive.trim_start_matches('@'),
                known.map(|name| name.as_str()),
            )
        }
        (
            Some(
                "UndefinedDefinition"
                | "UndefinedTypeInNamedFragmentTypeCondition"
                | "UndefinedTypeInInlineFragmentTypeCondition",
            ),
            [ty, ..],
        ) => among(ty, schema.types.keys().map(|name| name.as_str())),
        (Some("UndefinedEnumValue"), [value, ty]) => among(value, values(schema, ty)),
        (Some("UndefinedInputValue"), [field, ty]) => among(field, input_fields(schema, ty)),
        _ => String::new(),
    }
}

/// Suggests the known names that are similar to `name`, nearest first.
pub fn among<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut alike: Vec<(usize, &str)> = known
        .filter_map(|other| Some((distance(name, other)?, other)))
        .collect();
    alike.sort_unstable();
    alike.truncate(MAX_SUGGESTIONS);
    let quoted: Vec<String> = alike
        .iter()
        .map(|(_, name)| format!("\"{name}\""))
        .collect();
    match &quoted[..] {
        [] => String::new(),
        [only] => format!(". Did you mean {only}?"),
        [first, second] => format!(". Did you mean {first} or {second}?"),
        [most @ .., last] => format!(". Did you mean {}, or {last}?", most.join(", ")),
    }
}

/// Suggests names for problems of values; empty when the schema is closed.
pub fn suggested<'a>(
    is_open: bool,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Cow<'static, str> {
    if is_open {
        Cow::Owned(among(name, known))
    } else {
        Cow::Borrowed("")
    }
}

/// Edit distance of two names; `None` above the threshold, which grows with the length.
fn distance(name: &str, other: &str) -> Option<usize> {
    let threshold = name.len() * 2 / 5 + 1;
    // Skips the quadratic comparison of a name of megabytes.
    if name.len().abs_diff(other.len()) > threshold {
        return None;
    }
    let (lower, other_lower) = (name.to_lowercase(), other.to_lowercase());
    let distance = if lower == other_lower {
        usize::from(name != other)
    } else {
        strsim::osa_distance(&lower, &other_lower)
    };
    (distance <= threshold).then_some(distance)
}

fn fields<'a>(schema: &'a Schema, ty: &str) -> impl Iterator<Item = &'a str> {
    let fields = match schema.types.get(ty) {
        Some(ExtendedType::Object(ty)) => Some(&ty.fields),
        Some(ExtendedType::Interface(ty)) => Some(&ty.fields),
        _ => None,
    };
    fields
        .into_iter()
        .flat_map(|fields| fields.keys().map(|name| name.as_str()))
}

fn values<'a>(schema: &'a Schema, ty: &str) -> impl Iterator<Item = &'a str> {
    let ty = schema.get_enum(ty);
    ty.into_iter()
        .flat_map(|ty| ty.values.keys().map(|name| name.as_str()))
}

fn input_fields<'a>(schema: &'a Schema, ty: &str) -> impl Iterator<Item = &'a str> {
    let ty = schema.get_input_object(ty);
    ty.into_iter()
        .flat_map(|ty| ty.fields.keys().map(|name| name.as_str()))
}

/// Arguments of `Type.field` or `@directive`; `coordinate` may end with the argument in parentheses.
fn arguments<'a>(schema: &'a Schema, coordinate: &str) -> Vec<&'a str> {
    let owner = coordinate.split('(').next().unwrap_or_default();
    let arguments = match (owner.strip_prefix('@'), owner.split_once('.')) {
        (Some(directive), _) => {
            let directive = schema.directive_definitions.get(directive);
            directive.map(|definition| &definition.arguments)
        }
        (None, Some((ty, field))) => schema
            .type_field(ty, field)
            .ok()
            .map(|definition| &definition.arguments),
        (None, None) => None,
    };
    let arguments = arguments.into_iter().flatten();
    arguments.map(|argument| argument.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_suggested_nearest_first() {
        let known = ["viewer", "annotation", "annotations", "task", "tasks", "id"];
        for (name, expected) in [
            ("viewr", ". Did you mean \"viewer\"?"),
            ("VIEWER", ". Did you mean \"viewer\"?"),
            (
                "anotation",
                ". Did you mean \"annotation\" or \"annotations\"?",
            ),
            ("tsak", ". Did you mean \"task\" or \"tasks\"?"),
            ("nonsense", ""),
            ("x", ""),
        ] {
            assert_eq!(among(name, known.into_iter()), expected, "{name}");
        }
        let many = ["a1", "a2", "a3", "a4", "a5", "a6"];
        assert_eq!(
            among("a0", many.into_iter()),
            ". Did you mean \"a1\", \"a2\", \"a3\", \"a4\", or \"a5\"?"
        );
        assert_eq!(among(&"x".repeat(1 << 20), known.into_iter()), "");
    }
}
