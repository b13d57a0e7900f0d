//! Schema as text: published, for gateways, and for the validation of requests.

use std::sync::LazyLock;

use apollo_compiler::{Schema as ApolloSchema, schema::ExtendedType, validation::Valid};
use async_graphql::SDLExportOptions;

use super::{Schema, builder};

/// The schema that `schema.graphql` holds: sorted, without the fields that only gateways ask.
pub fn published() -> &'static str {
    static PUBLISHED: LazyLock<String> = LazyLock::new(publish);
    &PUBLISHED
}

fn publish() -> String {
    let mut schema = ApolloSchema::parse(plain_sdl(&builder().finish()), "schema.graphql")
        .expect("the library prints a schema that parses");
    // Removes the gateway's types: clients are not meant to use these.
    for name in ["_Any", "_Entity", "_Service"] {
        schema.types.shift_remove(name);
    }
    if let Some(ExtendedType::Object(query)) = schema.types.get_mut("Query") {
        let query = query.make_mut();
        query.fields.shift_remove("_entities");
        query.fields.shift_remove("_service");
    }
    schema.types.sort_keys();
    schema.to_string()
}

/// The schema of this subgraph for a federated gateway, Apollo Federation 2: what `_service { sdl }`
/// answers, to the letter, and so with the library's own options.
pub fn federation() -> String {
    // Gateways read directives such as `@key`, which the published schema leaves out:
    // https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives
    builder()
        .finish()
        .sdl_with_options(SDLExportOptions::new().federation().compose_directive())
}

/// The schema that requests are validated against: all of it.
pub fn for_validation(schema: &Schema) -> Valid<ApolloSchema> {
    let mut parsed = ApolloSchema::parse(plain_sdl(schema), "schema.graphql")
        .expect("the library prints a schema that parses");
    // Removes the introspection of deprecated directives, of the edition of September 2026: async-graphql answers none.
    if let Some(ExtendedType::Object(directive)) = parsed.types.get_mut("__Directive") {
        let directive = directive.make_mut();
        directive.fields.shift_remove("isDeprecated");
        directive.fields.shift_remove("deprecationReason");
    }
    if let Some(ExtendedType::Object(schema)) = parsed.types.get_mut("__Schema")
        && let Some(directives) = schema.make_mut().fields.get_mut("directives")
    {
        directives.make_mut().arguments.clear();
    }
    parsed.validate().expect("the schema is valid")
}

fn plain_sdl(schema: &Schema) -> String {
    schema.sdl_with_options(options())
}

fn options() -> SDLExportOptions {
    // Sorted, so that the order of resolvers in the code does not change the text.
    SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .use_space_ident()
        .indent_width(2)
}
