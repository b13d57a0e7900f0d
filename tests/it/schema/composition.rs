//! Composition of the schema as a subgraph of a federated gateway.

use annograph::graphql::sdl;
use apollo_compiler::{Schema, schema::ExtendedType};
use each_database::each_database;
use graphql_composition::{Subgraphs, compose, render_federated_sdl};

use crate::support::TestApp;

/// A neighbour that knows more about annotations, and has connections of its own.
const NEIGHBOUR: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable"])

type Annotation @key(fields: "id") {
  id: ID!
  comments(first: Int): CommentConnection!
}
type User @key(fields: "id", resolvable: false) { id: ID! }
type Comment @key(fields: "id") { id: ID! text: String! author: User }
type CommentConnection { nodes: [Comment!]! pageInfo: PageInfo! }
type PageInfo @shareable {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}
type Query { comment(id: ID!): Comment }
"#;

#[test]
fn gateways_compose_it_with_a_neighbour() {
    let mut subgraphs = Subgraphs::default();
    for (sdl, name) in [
        (sdl::federation().as_str(), "annograph"),
        (NEIGHBOUR, "comments"),
    ] {
        let url = format!("http://{name}.example/graphql");
        subgraphs.ingest_str(sdl, name, Some(&url)).unwrap();
    }
    let composed = compose(&mut subgraphs).warnings_are_fatal();
    let messages: Vec<_> = composed
        .diagnostics()
        .iter_messages()
        .map(str::to_owned)
        .collect();
    let graph = composed
        .into_result()
        .unwrap_or_else(|_| panic!("{messages:#?}"));
    let supergraph = render_federated_sdl(&graph).unwrap();
    for promised in [
        "comments(first: Int): CommentConnection!",
        "result: [JSONObject!]!",
        "updateAnnotation(",
        "comment(id: ID!): Comment",
        "annotations(",
        r#"@join__type(graph: ANNOGRAPH, key: "id")"#,
    ] {
        assert!(
            supergraph.contains(promised),
            "{promised} is not in {supergraph}"
        );
    }
}

#[test]
fn five_types_are_entities_by_id() {
    let sdl = sdl::federation();
    for name in ["Annotation", "Task", "Project", "User", "Prediction"] {
        assert!(
            sdl.contains(&format!("type {name} @key(fields: \"id\") {{")),
            "{name}"
        );
    }
    assert_eq!(sdl.matches("@key(").count(), 5);
    assert!(sdl.contains("type PageInfo @shareable {"));
}

#[test]
fn roots_have_the_names_that_gateways_assume() {
    // A subgraph's schema names no roots, so others would be taken for ordinary types.
    let sdl = sdl::federation();
    assert!(!sdl.contains("schema {"));
    assert!(sdl.contains("type Query {") && sdl.contains("type Mutation {"));
    let schema = Schema::parse(sdl.as_str(), "federation.graphql").unwrap();
    let Some(ExtendedType::Object(query)) = schema.types.get("Query") else {
        panic!("{sdl}")
    };
    assert!(query.fields.contains_key("annotations"));
}

#[each_database]
async fn a_gateway_is_answered_with_the_text_of_the_command(app: TestApp) {
    let answer = app.admin.run("{ _service { sdl } }").await;
    assert_eq!(
        answer.data()["_service"]["sdl"].as_str(),
        Some(sdl::federation().as_str())
    );
}
