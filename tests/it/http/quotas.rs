//! Quotas of a user, and origins that may send requests.

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, header},
};
use each_database::each_database;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tower::ServiceExt;

use super::{assert_refused, bearer, for_stream};
use crate::support::{Client, TestApp, send};

#[each_database]
async fn requests_of_one_user_that_come_too_fast_are_refused(app: TestApp) {
    let stranger = app.stranger("bob").await;
    let router = app.router_with(&["--rate-limit", "5"]);
    let on = |client: &Client| Client {
        router: router.clone(),
        ..client.clone()
    };
    let mut refused = 0;
    // All tokens of a user share one quota.
    let tokens = [app.admin.clone(), another_token(&app).await];
    for token in tokens.iter().cycle().take(20) {
        let answer = on(token).run("{ viewer { id } }").await;
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
}

/// Signs the admin in with a second token.
async fn another_token(app: &TestApp) -> Client {
    let created = app
        .admin
        .run("mutation { createToken(input: {}) { text } }");
    let created = created.await;
    let token = created.data()["createToken"]["text"].as_str().unwrap();
    Client {
        token: token.to_owned(),
        ..app.admin.clone()
    }
}

#[each_database]
async fn only_configured_origins_may_read_answers(app: TestApp) {
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
}

#[each_database]
async fn a_preflight_is_answered_with_the_headers_that_it_asks_for(app: TestApp) {
    let asked =
        "apollographql-client-name,authorization,content-type,sentry-trace,traceparent,x-anything";
    let preflight = |origin: &str, headers: Option<&str>| {
        let request = Request::options("/graphql")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        let request = match headers {
            Some(headers) => request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers),
            None => request,
        };
        request.body(Body::empty()).unwrap()
    };
    let here = "https://app.example.com";
    let open = app.router_with(&["--cors-origin", here]);
    let answer = send(&open, preflight(here, Some(asked))).await;
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS], asked);
    assert_eq!(
        answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS],
        "GET,POST"
    );
    let vary = answer.headers[header::VARY].to_str().unwrap();
    for name in ["origin", "access-control-request-headers"] {
        assert!(vary.contains(name), "{vary}");
    }
    let answer = send(&open, preflight(here, None)).await;
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], here);
    assert_eq!(
        answer.headers.get(header::ACCESS_CONTROL_ALLOW_HEADERS),
        None
    );
    for (router, origin) in [(&open, "https://evil.example.com"), (&app.router, here)] {
        let answer = send(router, preflight(origin, Some(asked))).await;
        let told = answer
            .headers
            .keys()
            .filter(|name| name.as_str().starts_with("access-control"));
        assert_eq!(
            told.collect::<Vec<_>>(),
            Vec::<&HeaderName>::new(),
            "{origin}"
        );
    }
}

const RENAME: &str = r#"mutation { updateProject(id: 1, input: { title: "y" }) { id } }"#;

#[each_database]
async fn requests_of_one_user_at_once_are_bounded(app: TestApp) {
    app.project_with_task().await;
    let stranger = app.stranger("bob").await;
    let router = app.router_with(&["--max-concurrent", "1"]);
    let on = |client: &Client| Client {
        router: router.clone(),
        ..client.clone()
    };
    let other = on(&another_token(&app).await);
    // A write that others wait for.
    let held = hold_project(&app).await;
    let admin = on(&app.admin);
    let waiting = tokio::spawn(async move {
        loop {
            let answer = admin.run(RENAME).await;
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                return answer;
            }
        }
    });
    let refused = loop {
        let answer = other.run("{ viewer { id } }").await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_refused(&refused, StatusCode::TOO_MANY_REQUESTS, "LIMIT_EXCEEDED");
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    on(&stranger).run("{ viewer { id } }").await.ok();
    held.rollback().await.unwrap();
    waiting.await.unwrap().ok();
    on(&app.admin).run("{ viewer { id } }").await.ok();
}

#[each_database]
async fn a_request_that_takes_too_long_is_answered_all_the_same(app: TestApp) {
    app.project_with_task().await;
    let before = app.dump().await;
    let client = Client {
        router: app.router_with(&["--timeout", "1"]),
        ..app.admin.clone()
    };
    let held = hold_project(&app).await;
    let answer = client.run(RENAME).await;
    assert_refused(
        &answer,
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
    );
    let extensions = &answer.error()["extensions"];
    assert_eq!(extensions["reason"], "TIMEOUT");
    assert_eq!(extensions["outcome"], "NOT_DONE");
    held.rollback().await.unwrap();
    assert_eq!(app.dump().await, before);
}

/// Locks project 1, on SQLite everything.
async fn hold_project(app: &TestApp) -> annograph::db::WriteTxn {
    let write = app.app.db.begin().await.unwrap();
    let update = "UPDATE project SET title = title WHERE id = 1";
    write.execute_unprepared(update).await.unwrap();
    write
}

#[each_database]
async fn subscriptions_of_one_user_are_bounded(app: TestApp) {
    let router = app.router_with(&["--max-subscriptions", "1"]);
    let open = |by: &Client| {
        let query = "subscription { annotationEvents { version } }";
        let body = json!({ "query": query }).to_string();
        let mut request = for_stream(&app, "text/event-stream", body);
        let authorization = bearer(by).parse().unwrap();
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization);
        router.clone().oneshot(request)
    };
    let other = another_token(&app).await;
    let first = open(&app.admin).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let second = open(&other).await.unwrap();
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    // A stream that nobody reads any more makes room.
    drop(first);
    while open(&other).await.unwrap().status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}
