//! Canaries: the faults of libraries that `src/endpoint/workarounds.rs` works around, asserted of the libraries alone.
//! A test that fails here after an update means that a workaround has lost its reason.

use std::collections::BTreeSet;

use apollo_compiler::{
    ExecutableDocument, Schema as ApolloSchema, schema::ExtendedType, validation::DiagnosticList,
};
use apollo_parser::Parser;
use async_graphql::{
    EmptyMutation, EmptySubscription, ID, Object, ObjectType, PathSegment, Request, Response,
    Result, Schema, SimpleObject, Subscription, SubscriptionType, ValidationMode, Value, Variables,
    value,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;

/// Number of syntax errors that apollo-parser finds.
fn syntax_errors(text: &str) -> usize {
    Parser::new(text).parse().errors().len()
}

/// Verdict of apollo-compiler on a document.
fn validated(document: &str) -> Result<(), DiagnosticList> {
    let schema = "scalar JSON
        input Pair { x: Int }
        input Needing { x: Int! }
        type Query { a(json: JSON, list: [Int], needing: Needing, pair: Pair, text: String): Int }
        type Subscription { b: Int }";
    let schema = ApolloSchema::parse_and_validate(schema, "schema").unwrap();
    let checked = ExecutableDocument::parse_and_validate(&schema, document, "document");
    checked.map(|_| ()).map_err(|refused| refused.errors)
}

#[test]
fn apollo_parser_stumbles_over_commas() {
    for (with, without) in [
        (r#""a",query b { c }"#, r#""a" query b { c }"#),
        ("{ a,:b }", "{ a :b }"),
        ("{ ...,on A { b } }", "{ ... on A { b } }"),
    ] {
        assert_ne!(syntax_errors(with), 0, "{with}");
        assert_eq!(syntax_errors(without), 0, "{without}");
    }
}

#[test]
fn apollo_parser_drops_what_has_no_value() {
    for text in ["{ a(b) }", "{ a(b: { c }) }"] {
        assert_eq!(syntax_errors(text), 0, "{text}");
    }
}

#[test]
fn apollo_parser_takes_any_token_for_a_dollar() {
    for text in [
        r#"query("a" b c: D) { e }"#,
        r#"query("a" "b" c: D) { e }"#,
        r#"query("a" ! c: D) { e }"#,
    ] {
        assert_eq!(syntax_errors(text), 0, "{text}");
    }
}

#[test]
fn apollo_compiler_counts_columns_in_bytes() {
    let errors = validated(r#"{ a(text: "é") nonsense }"#).unwrap_err();
    let range = errors.iter().next().unwrap().line_column_range().unwrap();
    // The 16th character, with a character of two bytes before.
    assert_eq!(range.start.column, 17);
}

#[test]
fn apollo_compiler_overlooks_variables_inside_json() {
    validated("{ a(json: { x: $undefined }) }").unwrap();
    validated("{ a(json: { x: [{ y: $undefined }] }) }").unwrap();
    validated("{ a(pair: { x: $undefined }) }").unwrap_err();
}

#[test]
fn apollo_compiler_takes_the_default_null_for_a_value() {
    validated("query($x: Int = null) { a(needing: { x: $x }) }").unwrap();
    validated("query($x: Boolean = null) { a @skip(if: $x) }").unwrap();
    validated("query($x: Int) { a(needing: { x: $x }) }").unwrap_err();
}

#[test]
fn apollo_compiler_takes_duplicate_fields_of_objects() {
    validated("{ a(pair: { x: 1, x: 2 }) }").unwrap();
}

#[test]
fn apollo_compiler_merges_fields_with_a_prefix_of_a_list() {
    validated("{ a(list: [1]) a(list: [1, 2]) }").unwrap();
    validated("{ a(list: [1]) a(list: [2]) }").unwrap_err();
}

#[test]
fn apollo_compiler_counts_selections_of_subscriptions() {
    validated("subscription { b b }").unwrap_err();
    validated("subscription {}").unwrap();
}

#[derive(Clone, Copy, Default)]
struct Query;

#[derive(SimpleObject)]
struct Thing {
    id: ID,
}

#[Object]
impl Query {
    async fn double(&self, of: i32) -> i32 {
        2 * of
    }

    #[graphql(entity)]
    async fn thing(&self, id: ID) -> Result<Thing> {
        if id == "2" {
            return Err("no such thing".into());
        }
        Ok(Thing { id })
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn ticks(&self) -> impl Stream<Item = i32> {
        stream::iter([1])
    }

    async fn failing(&self) -> Result<impl Stream<Item = i32>> {
        let none: Result<stream::Empty<i32>> = Err("no stream".into());
        none
    }
}

/// Answers of async-graphql without its own validation, as the endpoint runs it.
async fn answers<S: SubscriptionType + 'static>(
    subscription: S,
    request: Request,
) -> Vec<Response> {
    let schema = Schema::build(Query, EmptyMutation, subscription)
        .validation_mode(ValidationMode::Fast)
        .finish();
    all(&schema, request).await
}

async fn all<Q: ObjectType + 'static, S: SubscriptionType + 'static>(
    schema: &Schema<Q, EmptyMutation, S>,
    request: Request,
) -> Vec<Response> {
    schema.execute_stream(request).collect().await
}

async fn answer(document: &str, variables: serde_json::Value) -> Response {
    let variables = Variables::from_json(variables);
    let request = Request::new(document).variables(variables);
    answers(EmptySubscription, request).await.remove(0)
}

#[tokio::test]
async fn async_graphql_streams_each_root_field_and_no_fragment() {
    let parts = "subscription { ticks ticks }";
    assert_eq!(answers(Events, parts.into()).await.len(), 2);
    for fragment in [
        "subscription { ... { ticks } }",
        "subscription { ...f } fragment f on Events { ticks }",
    ] {
        let answers = answers(Events, fragment.into()).await;
        assert!(answers.iter().all(|answer| answer.data == Value::Null));
    }
}

#[tokio::test]
async fn async_graphql_gives_the_end_of_a_stream_a_path() {
    let answers = answers(Events, "subscription { failing }".into()).await;
    assert_eq!(answers[0].data, Value::Null);
    let path = [PathSegment::Field("failing".to_owned())];
    assert_eq!(answers[0].errors[0].path, path);
}

#[tokio::test]
async fn async_graphql_ignores_defaults_in_skip() {
    let document = "query($skip: Boolean = true) { double(of: 1) @skip(if: $skip) }";
    let answer = answer(document, json!({})).await;
    assert_eq!(answer.data, value!({ "double": 2 }));
}

#[tokio::test]
async fn async_graphql_refuses_whole_floats_as_ints() {
    let document = "query($of: Int!) { double(of: $of) }";
    assert!(answer(document, json!({ "of": 1 })).await.is_ok());
    assert!(answer(document, json!({ "of": 1.0 })).await.is_err());
}

#[tokio::test]
async fn async_graphql_fails_all_entities_for_one() {
    for other in [r#""Thing", id: "2""#, r#""Nonsense", id: "1""#] {
        let document = format!(
            r#"{{ _entities(representations: [
                {{ __typename: "Thing", id: "1" }}, {{ __typename: {other} }}
            ]) {{ ... on Thing {{ id }} }} }}"#
        );
        let answer = answer(&document, json!({})).await;
        assert_eq!(answer.data, Value::Null, "{other}");
        let path = &answer.errors[0].path;
        let has_index = path
            .iter()
            .any(|part| matches!(part, PathSegment::Index(_)));
        assert!(!has_index, "{path:?}");
    }
}

#[tokio::test]
async fn async_graphql_tells_of_no_deprecated_directives() {
    let validated = ApolloSchema::parse("type Query { a: Int }", "schema").unwrap();
    let Some(ExtendedType::Object(directive)) = validated.types.get("__Directive") else {
        panic!("a directive is an object");
    };
    // With its own validation, which refuses what it can't answer.
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    for name in ["isDeprecated", "deprecationReason"] {
        assert!(directive.fields.contains_key(name), "{name}");
        let document = format!("{{ __schema {{ directives {{ {name} }} }} }}");
        assert!(all(&schema, document.into()).await[0].is_err(), "{name}");
    }
    let document = "{ __schema { directives(includeDeprecated: true) { name } } }";
    assert!(all(&schema, document.into()).await[0].is_err());
}

#[test]
fn each_workaround_has_a_canary() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let index = read("src/endpoint/workarounds.rs");
    let rows = index.lines().filter_map(|line| line.strip_prefix("//! | "));
    let named: BTreeSet<&str> = rows
        .filter_map(|row| {
            row.split(" | ")
                .nth(3)?
                .strip_prefix('`')?
                .strip_suffix('`')
        })
        .collect();
    let tests = read("tests/it/workarounds.rs");
    let canaries: BTreeSet<&str> = tests
        .split("\n#[test]\nfn ")
        .flat_map(|part| part.split("\n#[tokio::test]\nasync fn "))
        .filter_map(|part| part.split_once("() {"))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("apollo_") || name.starts_with("async_graphql_"))
        .collect();
    assert_eq!(named, canaries);
}
