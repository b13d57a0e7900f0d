//! Limits of operations: refused before execution.

use axum::http::StatusCode;
use each_database::each_database;
use serde_json::json;

use crate::support::{Answer, Client, TestApp};

/// Which limit an answer says to be exceeded, the limit, and what was asked for.
#[track_caller]
pub fn exceeded(answer: &Answer) -> (String, u64, u64) {
    assert_eq!(answer.code(), "LIMIT_EXCEEDED", "{}", answer.text);
    assert_eq!(answer.json.get("data"), None);
    let values = &answer.error()["extensions"];
    let name = values["limit"].as_str().unwrap().to_owned();
    let message = answer.error()["message"].as_str().unwrap();
    let (max, actual) = (&values["max"], &values["actual"]);
    assert!(
        message.contains(&format!("{max} is the limit")),
        "{message}"
    );
    assert!(message.contains(&actual.to_string()), "{message}");
    (name, max.as_u64().unwrap(), actual.as_u64().unwrap())
}

/// Runs a document that is within the limits, and one that is not.
async fn holds(client: &Client, within: &str, beyond: &str, limit: &str, max: u64) {
    client.run(within).await.ok();
    let answer = client.run(beyond).await;
    assert_eq!(
        exceeded(&answer),
        (limit.to_owned(), max, max + 1),
        "{beyond}"
    );
}

#[each_database]
async fn every_limit_is_a_setting(app: TestApp) {
    let client = |flag: &str, value: &str| app.serving(&[flag, value]).unwrap();
    let fields = client("--max-fields", "3");
    holds(
        &fields,
        "{ viewer { id username } }",
        "{ viewer { id username role } }",
        "fields",
        3,
    )
    .await;
    let fields_of_all = "query a { viewer { id } } query b { viewer { id } }";
    assert_eq!(exceeded(&fields.run(fields_of_all).await).2, 4);
    let depth = client("--max-depth", "2");
    holds(
        &depth,
        "{ viewer { id } }",
        "{ task(id: 1) { project { id } } }",
        "depth",
        2,
    )
    .await;
    let aliases = client("--max-aliases", "1");
    holds(
        &aliases,
        "{ a: __typename }",
        "{ a: __typename b: __typename }",
        "aliases",
        1,
    )
    .await;
    let directives = client("--max-directives", "1");
    let once = "{ __typename @include(if: true) }";
    let twice = "{ __typename @include(if: true) @skip(if: false) }";
    holds(&directives, once, twice, "directives", 1).await;
    let mutations = client("--max-mutations", "1");
    let once = "mutation { deleteAnnotation(id: 1) { id } }";
    let answer = mutations.run(once).await;
    assert_eq!(answer.code(), "NOT_FOUND");
    let twice =
        "mutation { ...f } fragment f on Mutation { deleteAnnotation(id: 1) { id } __typename }";
    assert_eq!(
        exceeded(&mutations.run(twice).await),
        ("mutations".to_owned(), 1, 2)
    );
    let bytes = client("--max-document", "15");
    holds(
        &bytes,
        "{ __typename }#",
        "{ __typename }##",
        "document",
        15,
    )
    .await;
    let tokens = client("--max-tokens", "9");
    tokens.run("{viewer{id}}").await.ok();
    let answer = tokens.run("{ viewer { id } }").await;
    assert_eq!(exceeded(&answer), ("tokens".to_owned(), 9, 10));
    let cost = client("--max-cost", "102");
    holds(
        &cost,
        "{ tasks(first: 50) { nodes { project { id } } } viewer { id } }",
        "{ tasks(first: 51) { nodes { id } edges { node { project { id } } } } }",
        "cost",
        102,
    )
    .await;
}

#[each_database]
async fn fragments_and_inline_fragments_count_like_what_they_stand_for(app: TestApp) {
    let client = app
        .serving(&[
            "--max-aliases",
            "9",
            "--max-directives",
            "9",
            "--max-fields",
            "30",
            "--max-depth",
            "4",
        ])
        .unwrap();
    let five = "{ ...f ...f ...f ...f ...f }";
    for (document, limit) in [
            (format!("{five} fragment f on Query {{ a: __typename b: __typename }}"), "aliases"),
            (format!("{five} fragment f on Query {{ ... {{ a: __typename b: __typename }} }}"), "aliases"),
            (format!("{five} fragment f on Query {{ __typename @skip(if: true) @include(if: false) }}"), "directives"),
            ("{ ...f ...f ...f ...f ...f } fragment f on Query { ... @skip(if: true) { ...g @skip(if: true) } } fragment g on Query { __typename }".to_owned(), "directives"),
            (format!("{five} fragment f on Query {{ viewer {{ id username role createdAt email displayName }} }}"), "fields"),
            ("{ task(id: 1) { ...a } } fragment a on Task { project { ...b } } fragment b on Project { createdBy { ... on User { createdAt } } tasks { nodes { id } } }".to_owned(), "depth"),
            ("subscription { ...f ...f ...f ...f ...f } fragment f on Subscription { a: __typename b: __typename }".to_owned(), "aliases"),
            (format!("subscription {{ {} }}", "__typename ".repeat(31)), "fields"),
            (format!("mutation {{ {} }}", "__typename ".repeat(31)), "fields"),
        ] {
            let answer = client.run(&document).await;
            assert_eq!(exceeded(&answer).0, limit, "{document}");
        }
}

#[each_database]
async fn documents_that_would_take_long_are_refused_by_their_size(app: TestApp) {
    let doubling: String = (0..30)
        .map(|number| {
            format!(
                "fragment f{number} on Query {{ ...f{0} ...f{0} }} ",
                number + 1
            )
        })
        .collect();
    let last = "fragment f30 on Query { __typename }";
    let chain: String = (0..900)
        .map(|number| format!("fragment f{number} on Query {{ ...f{} }} ", number + 1))
        .collect();
    let aliases: String = (0..4_000)
        .map(|number| format!("a{number}:__typename "))
        .collect();
    let operations: String = (0..600)
        .map(|number| format!("query q{number}{{...f}} "))
        .collect();
    let twelve = "fragment f on Query { a b c d e f g h i j k l }";
    for (document, limit) in [
        (format!("{{ ...f0 }} {doubling} {last}"), "fields"),
        (
            format!("query @skip(if: true) {{ ...f0 }} {doubling} {last}"),
            "fields",
        ),
        (
            format!("{{ ...f0 }} {chain} fragment f900 on Query {{ __typename }}"),
            "nesting",
        ),
        (format!("{{ {aliases} }}"), "aliases"),
        (format!("{{ {} }}", "__typename ".repeat(9_900)), "fields"),
        (format!("{{ {} }}", "__typename ".repeat(90_000)), "tokens"),
        (
            format!("{{ __typename {} }}", "@skip(if:true)".repeat(2_500)),
            "directives",
        ),
        (
            format!("{{ __typename {} }}", "@a ".repeat(20_000)),
            "tokens",
        ),
        (format!("{operations} {twelve}"), "fields"),
        ("{a".repeat(199), "nesting"),
        ("{".repeat(20_000), "brackets"),
        ("[".repeat(20_000), "brackets"),
        ("(".repeat(20_000), "brackets"),
        ("{a(b:[".repeat(10_000), "brackets"),
        ("{a".repeat(5_000), "brackets"),
        (
            format!(
                "{{ annotation(id: {}1{}) {{ id }} }}",
                "[".repeat(5_000),
                "]".repeat(5_000)
            ),
            "brackets",
        ),
        (
            format!(
                "query($a: {}Int{}) {{ id }}",
                "[".repeat(5_000),
                "]".repeat(5_000)
            ),
            "brackets",
        ),
        (
            format!("{{ {} __typename }}", "...{".repeat(100)),
            "nesting",
        ),
    ] {
        let document = if document.starts_with("{a{a") || document.contains("...{...{") {
            let open = document.matches('{').count();
            let close = document.matches('}').count();
            document + &"}".repeat(open - close)
        } else {
            document
        };
        let answer = app.admin.run(&document).await;
        let shown: String = document.chars().take(60).collect();
        assert_eq!(answer.code(), "LIMIT_EXCEEDED", "{shown}: {}", answer.text);
        assert_eq!(exceeded(&answer).0, limit, "{shown}: {}", answer.text);
    }
    // Cycles are told by validation.
    let cycle = "{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a ...a }";
    assert_eq!(
        app.admin.run(cycle).await.code(),
        "GRAPHQL_VALIDATION_FAILED"
    );
    // A long text is one token.
    let long = |length: usize| {
        let text = "x".repeat(length);
        format!("{{ tasks(after: \"{text}\") {{ nodes {{ id }} }} }} # {text}")
    };
    let within = app.admin.run(&long(500_000)).await;
    assert_eq!(within.code(), "BAD_USER_INPUT");
    assert_eq!(exceeded(&app.admin.run(&long(8 << 20)).await).0, "document");
}

#[each_database]
async fn fragments_that_multiply_are_refused(app: TestApp) {
    let doubling: String = (0..40)
        .map(|number| {
            let next = number + 1;
            format!("fragment f{number} on Query {{ ...f{next} ...f{next} }} ")
        })
        .collect();
    let document = format!("{{ ...f0 }} {doubling} fragment f40 on Query {{ viewer {{ id }} }}");
    let answer = app.admin.run(&document).await;
    assert_eq!(answer.code(), "LIMIT_EXCEEDED");
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json.get("data"), None);
}

#[each_database]
async fn deep_documents_are_refused(app: TestApp) {
    let nested = |levels: usize| {
        let open = "parentAnnotation { ".repeat(levels);
        format!(
            "{{ annotation(id: 1) {{ {open} id {} }} }}",
            "}".repeat(levels)
        )
    };
    app.admin.run(&nested(28)).await.ok();
    assert_eq!(app.admin.run(&nested(29)).await.code(), "LIMIT_EXCEEDED");
    assert_eq!(app.admin.run(&nested(90)).await.code(), "LIMIT_EXCEEDED");
}

#[each_database]
async fn lists_in_filters_are_bounded_wherever_they_come_from(app: TestApp) {
    let ids: Vec<String> = (1..=1_001).map(|id: u32| id.to_string()).collect();
    let whole = "query($filter: AnnotationFilter) { annotations(filter: $filter) { totalCount } }";
    let part = "query($ids: [ID!]) { annotations(filter: { id: { in: $ids } }) { totalCount } }";
    let refused = ["filter.id.in TOO_LONG"];
    let answer = app
        .admin
        .run_with(whole, json!({ "filter": { "id": { "in": ids } } }))
        .await;
    assert_eq!(answer.problems(), refused);
    let answer = app.admin.run_with(part, json!({ "ids": ids })).await;
    assert_eq!(answer.problems(), refused);
    let answer = app.admin.run_with(part, json!({ "ids": ids[1..] })).await;
    answer.ok();
}

#[each_database]
async fn large_filters_of_nested_lists_are_answered(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    for _ in 0..40 {
        app.task(&project).await;
    }
    let ids: Vec<String> = (1..=1_000).map(|id: u32| id.to_string()).collect();
    let answer = app
        .admin
        .run_with(
            "query($ids: [ID!]) {
               tasks { nodes { annotations(filter: { id: { in: $ids } }) { nodes { id } } } }
             }",
            json!({ "ids": ids }),
        )
        .await;
    assert_eq!(
        answer.data()["tasks"]["nodes"].as_array().unwrap().len(),
        41
    );
}

#[each_database]
async fn a_part_of_a_thousand_characters_can_be_looked_for_and_no_longer_one(app: TestApp) {
    let found = async |length: usize| {
        let query = "query($part: String!) { projects(filter: { title: { contains: $part } }) { totalCount } }";
        let part = "x".repeat(length);
        app.admin.run_with(query, json!({ "part": part })).await
    };
    assert_eq!(found(1_000).await.data()["projects"]["totalCount"], 0);
    let refused = found(60_000).await;
    let problem = &refused.error()["extensions"]["problems"][0];
    assert_eq!(problem["code"], "TOO_LONG");
    assert_eq!(problem["path"], json!(["filter", "title", "contains"]));
}
