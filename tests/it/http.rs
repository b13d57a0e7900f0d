//! GraphQL over HTTP, byte by byte: authentication, request bodies and response headers.

mod batches;
mod bodies;
mod encodings;
mod get;
mod idempotency;
mod memory;
mod negotiation;
mod pages;
mod quotas;
mod streams;
mod wire;

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, header},
};
use each_database::each_database;
use serde_json::json;

use crate::support::{Answer, Client, TestApp, send};

/// A request to `/graphql` that lacks whatever is not given here.
async fn post(app: &TestApp, headers: &[(HeaderName, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::post("/graphql");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    send(&app.router, request.body(body.into()).unwrap()).await
}

/// A request for a stream of events.
fn for_stream(app: &TestApp, accept: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql")
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, bearer(&app.admin))
        .body(body.into())
        .unwrap()
}

fn bearer(client: &Client) -> String {
    format!("Bearer {}", client.token)
}

/// An answer that refuses the request as a whole.
#[track_caller]
fn assert_refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let errors = answer.json["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text));
    assert!(!errors.is_empty(), "{}", answer.text);
    for error in errors {
        assert_eq!(error["extensions"]["code"], code, "{}", answer.text);
        assert_eq!(error.get("path"), None, "{}", answer.text);
    }
    assert_eq!(answer.json.get("data"), None, "{}", answer.text);
    assert_no_internals(&answer.text);
}

/// Nothing of how the program is made may reach a client.
#[track_caller]
pub fn assert_no_internals(text: &str) {
    for trace in [
        "Error(",
        "Some(",
        "Err(",
        "sqlx",
        "SELECT ",
        "panicked",
        "RUST_BACKTRACE",
        ".rs:",
    ] {
        assert!(!text.contains(trace), "{trace} in {text}");
    }
}

#[each_database]
async fn nothing_is_read_before_the_caller_is_known(app: TestApp) {
    let admin = app.admin.token.as_str();
    let strangers = [
        None,
        Some("".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer ann_wrong".to_owned()),
        Some(format!("Basic {admin}")),
        Some(format!("Bearer {admin}x")),
        Some(format!("Bearer {}", &admin[..admin.len() - 1])),
        Some(format!("Bearer {}", admin.to_lowercase())),
        Some(admin.to_owned()),
    ];
    for authorization in strangers {
        for body in [
            r#"{"query":"{ viewer { id } }"}"#,
            "garbage",
            "",
            "\u{0}",
            "[[[[[",
        ] {
            let mut headers = vec![(header::CONTENT_TYPE, "nonsense/type")];
            if let Some(authorization) = &authorization {
                headers.push((header::AUTHORIZATION, authorization));
            }
            let answer = post(&app, &headers, body).await;
            assert_refused(&answer, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
}

#[each_database]
async fn a_request_too_large_to_read_is_not_read_from_strangers(app: TestApp) {
    let endless = Body::from_stream(futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(vec![b' '; 1 << 20])
    }));
    let answer = post(&app, &[(header::CONTENT_TYPE, "application/json")], endless).await;
    assert_refused(&answer, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED");
}

#[each_database]
async fn both_schemes_sign_in_in_any_case(app: TestApp) {
    for scheme in ["Bearer", "bearer", "BEARER", "Token", "token"] {
        let authorization = format!("{scheme} {}", app.admin.token);
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::AUTHORIZATION, authorization.as_str()),
        ];
        let answer = post(&app, &headers, r#"{"query":"{ viewer { id } }"}"#).await;
        assert_eq!(answer.data()["viewer"]["id"], "1", "{scheme}");
    }
}

#[each_database]
async fn other_methods_are_refused_and_change_nothing(app: TestApp) {
    let before = app.dump().await;
    let mutation =
        "/graphql?query=mutation%7BcreateProject(input%3A%7Btitle%3A%22x%22%7D)%7Bid%7D%7D";
    let body = r#"{"query":"mutation { createProject(input: { title: \"x\" }) { id } }"}"#;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"] {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(mutation)
            .header(header::AUTHORIZATION, bearer(&app.admin))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let answer = send(&app.router, request).await;
        assert_refused(&answer, StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST");
        assert_eq!(answer.headers[header::ALLOW], "GET, POST", "{method}");
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn every_answer_carries_the_id_of_its_request(app: TestApp) {
    let id = HeaderName::from_static("x-request-id");
    let given = post(&app, &[(id.clone(), "client-7")], "").await;
    assert_eq!(given.headers[&id], "client-7");
    let made = app.admin.run("{ viewer { id } }").await;
    let again = app.admin.run("{ viewer { id } }").await;
    assert_eq!(made.headers[&id].len(), 36);
    assert_ne!(made.headers[&id], again.headers[&id]);
}

#[each_database]
async fn answers_are_not_sniffed(app: TestApp) {
    let answer = app.admin.run("{ viewer { id } }").await;
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let refused = post(&app, &[], "").await;
    assert_eq!(refused.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[each_database]
async fn an_operation_is_chosen_by_name(app: TestApp) {
    let query = "query a { viewer { id } } query b { viewer { username } }";
    let named = |name: serde_json::Value| json!({ "query": query, "operationName": name });
    let answer = app.admin.post(named(json!("b")).to_string()).await;
    assert_eq!(answer.data(), &json!({ "viewer": { "username": "admin" } }));
    for name in [json!(null), json!("c"), json!("")] {
        let answer = app.admin.post(named(name).to_string()).await;
        assert_refused(&answer, StatusCode::OK, "BAD_REQUEST");
    }
}
