//! Introspection queries of common tools.

use each_database::each_database;
use serde_json::{Value, json};

use crate::support::TestApp;

/// What graphql-js asks with every option on, as GraphiQL does.
pub const STANDARD: &str = "query IntrospectionQuery {
  __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[each_database]
async fn the_standard_introspection_query_is_answered(app: TestApp) {
    let answer = app.admin.run(STANDARD).await;
    let schema = &answer.data()["__schema"];
    assert_eq!(
        schema["queryType"],
        json!({ "name": "Query", "kind": "OBJECT" })
    );
    assert_eq!(schema["mutationType"]["name"], "Mutation");
    assert_eq!(schema["subscriptionType"]["name"], "Subscription");
    let types = schema["types"].as_array().unwrap();
    let find = |name: &str| {
        types
            .iter()
            .find(|ty| ty["name"] == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    let date_time = find("DateTime");
    assert_eq!(
        date_time["specifiedByURL"],
        "https://www.rfc-editor.org/rfc/rfc3339"
    );
    let input = find("UpdateAnnotationInput");
    assert_eq!(
        (&input["kind"], &input["isOneOf"]),
        (&json!("INPUT_OBJECT"), &json!(false))
    );
    assert_eq!(input["inputFields"].as_array().unwrap().len(), 11);
    let actions: Vec<&Value> = find("AnnotationAction")["enumValues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| &value["name"])
        .collect();
    assert_eq!(actions.len(), 10);
    let directives: Vec<&str> = schema["directives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|directive| directive["name"].as_str().unwrap())
        .collect();
    for name in ["skip", "include", "deprecated", "specifiedBy"] {
        assert!(
            directives.contains(&name),
            "{name} is not in {directives:?}"
        );
    }
    for ty in types {
        assert!(ty["name"].is_string() && ty["kind"].is_string(), "{ty}");
    }
}

#[each_database]
async fn one_type_is_told_by_name(app: TestApp) {
    let query = "query($name: String!) { __type(name: $name) { name kind fields { name } } }";
    let answer = app
        .admin
        .run_with(query, json!({ "name": "PageInfo" }))
        .await;
    let fields: Vec<&Value> = answer.data()["__type"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["name"])
        .collect();
    assert_eq!(fields.len(), 4);
    let answer = app
        .admin
        .run_with(query, json!({ "name": "Nothing" }))
        .await;
    assert_eq!(answer.data(), &json!({ "__type": null }));
}

#[each_database]
async fn every_object_knows_its_name(app: TestApp) {
    app.project_with_task().await;
    let answer = app.admin.run("{ __typename tasks { __typename nodes { __typename project { __typename } } pageInfo { __typename } } }").await;
    let expected = json!({ "__typename": "Query", "tasks": { "__typename": "TaskConnection",
            "nodes": [{ "__typename": "Task", "project": { "__typename": "Project" } }], "pageInfo": { "__typename": "PageInfo" } } });
    assert_eq!(answer.data(), &expected);
}
