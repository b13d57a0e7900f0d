//! Schema: text in `schema.graphql`, descriptions, and names that clients rely on.

mod composition;
mod identity;
mod regions;
mod shape;

use std::path::Path;

use annograph::graphql::sdl;
use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::{FieldDefinition, InputValueDefinition},
    schema::ExtendedType,
    validation::Valid,
};

#[test]
fn the_file_holds_the_schema() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    if kept != sdl::published() {
        std::fs::write(&file, sdl::published()).unwrap();
        panic!(
            "schema.graphql was not the schema; it is now: look at the difference and commit it"
        );
    }
}

#[test]
fn everything_has_a_description() {
    let schema = published();
    let mut bare = Vec::new();
    let mut check = |place: String, description: Option<&Node<str>>| {
        let is_sentence =
            description.is_some_and(|text| text.trim().ends_with('.') && text.trim().len() > 3);
        if !is_sentence {
            bare.push(place);
        }
    };
    for (name, ty) in own_types(&schema) {
        check(name.to_owned(), ty.description());
        for field in fields(ty) {
            check(format!("{name}.{}", field.name), field.description.as_ref());
            for argument in &field.arguments {
                let place = format!("{name}.{}({})", field.name, argument.name);
                check(place, argument.description.as_ref());
            }
        }
        for field in input_fields(ty) {
            check(format!("{name}.{}", field.name), field.description.as_ref());
        }
        if let ExtendedType::Enum(definition) = ty {
            for value in definition.values.values() {
                check(
                    format!("{name}.{}", value.value),
                    value.description.as_ref(),
                );
            }
        }
    }
    assert!(
        bare.is_empty(),
        "without a sentence that describes them: {bare:#?}"
    );
}

#[test]
fn root_fields_are_nullable_so_that_one_failure_leaves_the_others() {
    let schema = published();
    for root in ["Query", "Mutation"] {
        for field in fields(&schema.types[root]) {
            assert!(
                !field.ty.is_non_null(),
                "{root}.{}: {}",
                field.name,
                field.ty
            );
        }
    }
}

#[test]
fn the_fields_of_gateways_are_not_published() {
    let text = sdl::published();
    for name in [
        "_entities",
        "_service",
        "_Any",
        "_Entity",
        "_Service",
        "@key",
        "@shareable",
    ] {
        assert!(!text.contains(name), "{name}");
    }
}

#[test]
fn types_stand_in_alphabetical_order() {
    let schema = published();
    let names: Vec<&str> = own_types(&schema).map(|(name, _)| name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
}

#[test]
fn scalars_say_where_they_are_specified() {
    let schema = published();
    for (name, ty) in own_types(&schema) {
        if let ExtendedType::Scalar(scalar) = ty {
            assert!(scalar.directives.has("specifiedBy"), "{name}");
        }
    }
}

#[test]
fn queries_of_the_benchmarks_are_valid() {
    let schema = published();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/queries/annograph");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        if let Err(invalid) = ExecutableDocument::parse_and_validate(&schema, text, &file) {
            panic!("{}", invalid.errors);
        }
        count += 1;
    }
    assert!(count > 10, "only {count} queries were found");
}

/// What `schema.graphql` holds, parsed.
fn published() -> Valid<Schema> {
    Schema::parse_and_validate(sdl::published(), "schema.graphql").unwrap()
}

/// The types of the schema without those of GraphQL itself.
fn own_types(schema: &Schema) -> impl Iterator<Item = (&str, &ExtendedType)> {
    let types = schema.types.iter();
    types
        .filter(|(_, ty)| !ty.is_built_in())
        .map(|(name, ty)| (name.as_str(), ty))
}

fn fields(ty: &ExtendedType) -> Vec<&FieldDefinition> {
    match ty {
        ExtendedType::Object(object) => object.fields.values().map(|field| &**field).collect(),
        ExtendedType::Interface(interface) => {
            interface.fields.values().map(|field| &**field).collect()
        }
        _ => vec![],
    }
}

fn input_fields(ty: &ExtendedType) -> Vec<&InputValueDefinition> {
    match ty {
        ExtendedType::InputObject(input) => input.fields.values().map(|field| &**field).collect(),
        _ => vec![],
    }
}
