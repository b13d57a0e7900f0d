//! How much one token may ask for, and which pages may ask.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::json;

use super::{assert_refused, bearer};
use crate::support::{Client, each_database, send};

#[tokio::test]
async fn requests_of_one_token_that_come_too_fast_are_refused() {
    each_database(async |app| {
        let stranger = app.stranger("bob").await;
        let router = app.router_with(&["--rate-limit", "5"]);
        let on = |client: &Client| Client {
            router: router.clone(),
            ..client.clone()
        };
        let mut refused = 0;
        for _ in 0..20 {
            let answer = on(&app.admin).run("{ viewer { id } }").await;
            if answer.status == StatusCode::OK {
                continue;
            }
            refused += 1;
            assert_refused(&answer, StatusCode::TOO_MANY_REQUESTS, "LIMIT_EXCEEDED");
            assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        }
        assert!(refused > 0);
        // Others are not held up.
        on(&stranger).run("{ viewer { id } }").await.ok();
        // A batch counts as many.
        let batch = json!(vec![json!({ "query": "{ viewer { id } }" }); 6]);
        let answer = on(&stranger).post(batch.to_string()).await;
        assert_refused(&answer, StatusCode::TOO_MANY_REQUESTS, "LIMIT_EXCEEDED");
    })
    .await;
}

#[tokio::test]
async fn only_configured_origins_may_read_answers() {
    each_database(async |app| {
        let preflight = |origin: &str| {
            Request::builder()
                .method(Method::OPTIONS)
                .uri("/graphql")
                .header(header::ORIGIN, origin)
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
                .header(
                    header::ACCESS_CONTROL_REQUEST_HEADERS,
                    "authorization,content-type",
                )
                .body(Body::empty())
                .unwrap()
        };
        let request = |origin: &str| {
            Request::post("/graphql")
                .header(header::ORIGIN, origin)
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, bearer(&app.admin))
                .body(Body::from(r#"{"query":"{ viewer { id } }"}"#))
                .unwrap()
        };
        let here = "https://app.example.com";
        let allowed = header::ACCESS_CONTROL_ALLOW_ORIGIN;
        let open = app.router_with(&[
            "--cors-origin",
            "https://a.example.com,https://app.example.com",
        ]);
        assert_eq!(send(&open, preflight(here)).await.headers[&allowed], here);
        assert_eq!(send(&open, request(here)).await.headers[&allowed], here);
        for (router, origin) in [
            (&open, "https://evil.example.com"),
            (&open, "null"),
            (&app.router, here),
        ] {
            for request in [preflight(origin), request(origin)] {
                let answer = send(router, request).await;
                assert_eq!(answer.headers.get(&allowed), None, "{origin}");
            }
        }
    })
    .await;
}
