//! Queries by GET.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use super::{assert_refused, bearer};
use crate::support::{Answer, TestApp, each_database, send};

async fn get(app: &TestApp, parameters: &[(&str, &str)]) -> Answer {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let request = Request::get(format!("/graphql?{query}"))
        .header(header::AUTHORIZATION, bearer(&app.admin))
        .header(header::ACCEPT, "application/graphql-response+json")
        .body(Body::empty())
        .unwrap();
    send(&app.router, request).await
}

#[tokio::test]
async fn queries_are_answered() {
    each_database(async |app| {
        let answer = get(&app, &[("query", "{ viewer { username } }")]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.data()["viewer"]["username"], "admin");
        let whole = [
            (
                "query",
                "query a { viewer { id } } query b($id: ID!) { user(id: $id) { id } }",
            ),
            ("operationName", "b"),
            ("variables", r#"{"id":"1"}"#),
            ("extensions", "{}"),
            ("unknown", "x"),
        ];
        assert_eq!(get(&app, &whole).await.data()["user"]["id"], "1");
    })
    .await;
}

#[tokio::test]
async fn mutations_are_refused_and_change_nothing() {
    each_database(async |app| {
        let before = app.dump().await;
        let mutation = r#"query q { viewer { id } } mutation m { createProject(input: { title: "x" }) { id } }"#;
        let parameters = [("query", mutation), ("operationName", "m")];
        let answer = get(&app, &parameters).await;
        assert_refused(&answer, StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST");
        assert_eq!(answer.headers[header::ALLOW], "POST");
        assert_eq!(app.dump().await, before);
        let parameters = [("query", mutation), ("operationName", "q")];
        get(&app, &parameters).await.ok();
    })
    .await;
}

#[tokio::test]
async fn bad_parameters_are_refused() {
    each_database(async |app| {
        let query = ("query", "{ viewer { id } }");
        for parameters in [
            vec![],
            vec![("variables", "{}")],
            vec![query, ("variables", "1")],
            vec![query, ("variables", "[]")],
            vec![query, ("variables", "{")],
            vec![query, ("extensions", "nonsense")],
            vec![query, ("extensions", "\"x\"")],
        ] {
            let answer = get(&app, &parameters).await;
            assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
        }
    })
    .await;
}

#[tokio::test]
async fn numbers_that_no_number_can_hold_are_found_in_parameters_too() {
    each_database(async |app| {
        let query =
            "query($filter: AnnotationFilter) { annotations(filter: $filter) { totalCount } }";
        let variables = r#"{"filter":{"leadTime":{"gt":1e400}}}"#;
        let answer = get(&app, &[("query", query), ("variables", variables)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            answer.problems(),
            ["filter.leadTime.gt NUMBER_OUT_OF_RANGE"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_not_read() {
    each_database(async |app| {
        let long = "x".repeat(20_000);
        let answer = get(&app, &[("query", "{ viewer { id } }"), ("unknown", &long)]).await;
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_refused(&answer, status, "LIMIT_EXCEEDED");
        let request = Request::post("/graphql").header("x-long", long);
        let answer = send(&app.router, request.body(Body::empty()).unwrap()).await;
        assert_refused(&answer, status, "LIMIT_EXCEEDED");
    })
    .await;
}
