//! Names, arguments and nullability that clients rely on. Additions are allowed, except for names that later versions
//! need.

use apollo_compiler::{
    Schema,
    ast::{InputValueDefinition, Type},
    schema::ExtendedType,
};

use super::{fields, input_fields, published};

/// Everything here has to be in the schema as it stands here. Enums are complete.
const PROMISED: &str = include_str!("promised.graphql");

/// Types and members of later releases, which must be absent.
const LATER: &str = "
Query.node
";

#[test]
fn what_is_promised_is_there() {
    let promised = Schema::parse_and_validate(PROMISED, "promised").unwrap();
    let schema = published();
    let mut missing = Vec::new();
    for (name, wanted) in super::own_types(&promised) {
        let Some(found) = schema.types.get(name) else {
            missing.push(name.to_owned());
            continue;
        };
        if let (ExtendedType::Enum(wanted), ExtendedType::Enum(found)) = (wanted, found) {
            let mut values: Vec<_> = wanted.values.keys().collect();
            let mut in_schema: Vec<_> = found.values.keys().collect();
            values.sort_unstable();
            in_schema.sort_unstable();
            assert_eq!(values, in_schema, "{name}");
        }
        for field in fields(wanted) {
            let place = format!("{name}.{}", field.name);
            let Some(found) = fields(found)
                .into_iter()
                .find(|other| other.name == field.name)
            else {
                missing.push(place);
                continue;
            };
            compare(&place, &field.ty, &found.ty, &mut missing);
            for argument in &field.arguments {
                let place = format!("{place}({})", argument.name);
                let found = found.argument_by_name(&argument.name);
                compare_inputs(&place, argument, found.map(|found| &**found), &mut missing);
            }
            // A required argument that a client does not know of would break it.
            for argument in found
                .arguments
                .iter()
                .filter(|argument| argument.is_required())
            {
                assert!(field.argument_by_name(&argument.name).is_some(), "{place}");
            }
        }
        for field in input_fields(wanted) {
            let place = format!("{name}.{}", field.name);
            let mut all = input_fields(found).into_iter();
            let found = all.find(|other| other.name == field.name);
            compare_inputs(&place, field, found, &mut missing);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn what_comes_later_is_not_there() {
    let schema = published();
    for place in LATER.split_whitespace() {
        let (path, argument) = match place.trim_end_matches(')').split_once('(') {
            Some((path, argument)) => (path, Some(argument)),
            None => (place, None),
        };
        let (name, member) = match path.split_once('.') {
            Some((name, member)) => (name, Some(member)),
            None => (path, None),
        };
        let Some(ty) = schema.types.get(name) else {
            assert!(member.is_none(), "{name} is not there at all");
            continue;
        };
        let member = member.unwrap_or_else(|| panic!("{name} comes later"));
        let names = match ty {
            ExtendedType::Enum(definition) => definition
                .values
                .keys()
                .map(|value| value.as_str())
                .collect(),
            ExtendedType::InputObject(definition) => definition
                .fields
                .keys()
                .map(|field| field.as_str())
                .collect(),
            _ => fields(ty)
                .iter()
                .map(|field| field.name.as_str())
                .collect::<Vec<_>>(),
        };
        match argument {
            None => assert!(!names.contains(&member), "{place} comes later"),
            Some(argument) => {
                let all = fields(ty);
                let field = all.iter().find(|field| field.name == member).unwrap();
                assert!(
                    field.argument_by_name(argument).is_none(),
                    "{place} comes later"
                );
            }
        }
    }
}

fn compare(place: &str, wanted: &Type, found: &Type, missing: &mut Vec<String>) {
    if wanted != found {
        missing.push(format!("{place}: {wanted}, but it is {found}"));
    }
}

fn compare_inputs(
    place: &str,
    wanted: &InputValueDefinition,
    found: Option<&InputValueDefinition>,
    missing: &mut Vec<String>,
) {
    match found {
        None => missing.push(place.to_owned()),
        Some(found) => {
            compare(place, &wanted.ty, &found.ty, missing);
            let default = |input: &InputValueDefinition| {
                input.default_value.as_ref().map(|value| value.to_string())
            };
            assert_eq!(default(wanted), default(found), "default of {place}");
        }
    }
}
