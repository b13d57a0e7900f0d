//! `Accept` and `Content-Type`.

use axum::http::{StatusCode, header};
use each_database::each_database;

use super::{assert_refused, bearer, post};
use crate::support::TestApp;

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";
const VIEWER: &str = r#"{"query":"{ viewer { id } }"}"#;

#[each_database]
async fn answers_have_the_type_that_the_client_likes_best(app: TestApp) {
    let authorization = bearer(&app.admin);
    for (accept, expected) in [
        (None, JSON),
        (Some(""), JSON),
        (Some("*/*"), JSON),
        (Some("application/*"), JSON),
        (Some("application/json"), JSON),
        (Some("Application/JSON"), JSON),
        (Some("application/json; charset=utf-8"), JSON),
        (Some("application/graphql-response+json"), GRAPHQL),
        (
            Some("APPLICATION/GraphQL-Response+JSON; charset=utf-8"),
            GRAPHQL,
        ),
        // What Apollo Client and urql send.
        (
            Some("application/graphql-response+json,application/json;q=0.9"),
            GRAPHQL,
        ),
        (
            Some(
                "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
            ),
            GRAPHQL,
        ),
        (
            Some("application/json, application/graphql-response+json"),
            JSON,
        ),
        (
            Some("application/graphql-response+json, application/json"),
            GRAPHQL,
        ),
        (
            Some("application/graphql-response+json;q=0.1, application/json"),
            JSON,
        ),
        (Some("application/graphql-response+json;q=0.1, */*"), JSON),
        (
            Some("application/graphql-response+json, */*;q=0.1"),
            GRAPHQL,
        ),
        (Some("*/*, application/graphql-response+json"), GRAPHQL),
        (Some("application/json;q=0, */*"), GRAPHQL),
        (Some("application/json;q=0.2, application/*"), GRAPHQL),
        (
            Some("application/json;Q=0, application/graphql-response+json;q=0.001"),
            GRAPHQL,
        ),
        (Some("text/html, application/xhtml+xml, */*;q=0.8"), JSON),
        (Some("text/html, application/json;q=0.5"), JSON),
    ] {
        let mut headers = vec![
            (header::CONTENT_TYPE, "application/json"),
            (header::AUTHORIZATION, authorization.as_str()),
        ];
        headers.extend(accept.map(|accept| (header::ACCEPT, accept)));
        let answer = post(&app, &headers, VIEWER).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], expected, "{accept:?}");
        assert_eq!(answer.data()["viewer"]["id"], "1");
    }
}

#[each_database]
async fn a_client_that_takes_neither_is_told_so(app: TestApp) {
    let authorization = bearer(&app.admin);
    for accept in [
        "text/html",
        "application/xml, text/*",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;q=0, application/graphql-response+json;q=0.0",
        "application/json;q=nonsense",
        "image/png",
        ";;;",
        ";q=1",
    ] {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::AUTHORIZATION, authorization.as_str()),
            (header::ACCEPT, accept),
        ];
        let answer = post(&app, &headers, VIEWER).await;
        assert_refused(&answer, StatusCode::NOT_ACCEPTABLE, "BAD_REQUEST");
        assert_eq!(answer.headers[header::CONTENT_TYPE], JSON, "{accept}");
    }
}

#[each_database]
async fn only_the_new_type_gives_a_refused_document_a_status_of_its_own(app: TestApp) {
    let authorization = bearer(&app.admin);
    for (body, code) in [
        (r#"{"query":"{"}"#, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":""}"#, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":"{ nonsense }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (
            r#"{"query":"{ annotation(id: {}) { id } }"}"#,
            "BAD_USER_INPUT",
        ),
        (
            r#"{"query":"query($id: ID!) { annotation(id: $id) { id } }"}"#,
            "BAD_USER_INPUT",
        ),
        (
            r#"{"query":"{ viewer { id } }", "operationName":"x"}"#,
            "BAD_REQUEST",
        ),
    ] {
        for (accept, status, media) in [
            ("application/json", StatusCode::OK, JSON),
            (
                "application/graphql-response+json",
                StatusCode::BAD_REQUEST,
                GRAPHQL,
            ),
        ] {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::AUTHORIZATION, authorization.as_str()),
                (header::ACCEPT, accept),
            ];
            let answer = post(&app, &headers, body).await;
            assert_refused(&answer, status, code);
            assert_eq!(answer.headers[header::CONTENT_TYPE], media, "{body}");
        }
    }
}

#[each_database]
async fn an_answer_with_data_is_200_even_when_fields_failed(app: TestApp) {
    let authorization = bearer(&app.admin);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::AUTHORIZATION, authorization.as_str()),
        (header::ACCEPT, "application/graphql-response+json"),
    ];
    let body = r#"{"query":"mutation { deleteAnnotation(id: 9) { id } }"}"#;
    let answer = post(&app, &headers, body).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::OK, "NOT_FOUND")
    );
    assert_eq!(
        answer.json["data"],
        serde_json::json!({ "deleteAnnotation": null })
    );
    assert_eq!(
        answer.error()["path"],
        serde_json::json!(["deleteAnnotation"])
    );
    // A document whose only root field failed is no refused request either.
    let body = r#"{"query":"{ annotations(first: -1) { nodes { id } } }"}"#;
    let answer = post(&app, &headers, body).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::OK, "BAD_USER_INPUT")
    );
    assert_eq!(
        answer.json["data"],
        serde_json::json!({ "annotations": null })
    );
}

#[each_database]
async fn types_that_browsers_send_without_asking_are_refused(app: TestApp) {
    let before = app.dump().await;
    let authorization = bearer(&app.admin);
    let body = r#"{"query":"mutation { createProject(input: { title: \"x\" }) { id } }"}"#;
    for content_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/plain; application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/graphql"),
        Some("application/jsonx"),
        Some("application/json; charset=iso-8859-1"),
        Some("application/json; charset=utf-16"),
        Some("application/octet-stream"),
    ] {
        let mut headers = vec![(header::AUTHORIZATION, authorization.as_str())];
        headers.extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
        let answer = post(&app, &headers, body).await;
        assert_refused(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST");
    }
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn json_in_utf_8_is_taken_however_it_is_spelled(app: TestApp) {
    let authorization = bearer(&app.admin);
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "application/json; foo=bar",
    ] {
        let headers = [
            (header::AUTHORIZATION, authorization.as_str()),
            (header::CONTENT_TYPE, content_type),
            (header::CONTENT_ENCODING, "identity"),
        ];
        let answer = post(&app, &headers, VIEWER).await;
        assert_eq!(answer.data()["viewer"]["id"], "1", "{content_type}");
    }
}
