//! Pages beside `/graphql`.

use axum::{
    body::Body,
    http::{HeaderName, Request, StatusCode, header},
};
use each_database::each_database;

use crate::support::{Answer, TestApp, send};

async fn get(app: &TestApp, path: &str) -> Answer {
    send(&app.router, Request::get(path).body(Body::empty()).unwrap()).await
}

#[each_database]
async fn the_server_says_that_it_lives_and_whether_it_is_ready(app: TestApp) {
    for path in ["/healthz", "/readyz"] {
        let answer = get(&app, path).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, "ok"),
            "{path}"
        );
    }
    app.app.db.clone().close().await.unwrap();
    assert_eq!(get(&app, "/healthz").await.status, StatusCode::OK);
    let answer = get(&app, "/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.text, "STOPPING: the server is stopping, try again");
}

#[each_database]
async fn requests_fail_softly_without_a_database(app: TestApp) {
    app.app.db.clone().close().await.unwrap();
    let answer = app.admin.run("{ viewer { id } }").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "SERVICE_UNAVAILABLE");
    super::assert_no_internals(&answer.text);
}

#[each_database]
async fn the_schema_is_there_for_tools(app: TestApp) {
    let answer = get(&app, "/schema.graphql").await;
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "application/graphql; charset=utf-8"
    );
    assert_eq!(answer.text, annograph::graphql::sdl::published());
}

#[each_database]
async fn the_page_reaches_nothing_but_its_server(app: TestApp) {
    let answer = get(&app, "/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
    assert_page_headers(&answer);
    assert!(answer.text.contains("<script"), "{}", answer.text);
    assert!(
        !answer.text.contains("http://") && !answer.text.contains("https://"),
        "{}",
        answer.text
    );

    let assets = assets(&answer.text);
    assert!(assets.len() >= 2, "{assets:?}");
    for path in assets {
        let asset = get(&app, &path).await;
        assert_eq!(asset.status, StatusCode::OK, "{path}");
        assert_page_headers(&asset);
        let expected = match path.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("an asset of another kind: {other}"),
        };
        assert_eq!(asset.headers[header::CONTENT_TYPE], expected, "{path}");
        assert_eq!(
            asset.headers[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
    }
}

#[each_database]
async fn the_licences_of_the_page_are_there(app: TestApp) {
    let answer = get(&app, "/licenses.txt").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    assert!(answer.text.contains("MIT"));
}

#[each_database]
async fn other_paths_are_not_found(app: TestApp) {
    for path in [
        "/nothing",
        "/graphql/",
        "/assets/missing.js",
        "/assets/..%2findex.html",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e%2fCargo.toml",
        "/assets/",
        "/schema.graphql/x",
    ] {
        assert_eq!(
            get(&app, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[track_caller]
fn assert_page_headers(answer: &Answer) {
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    let parts: Vec<&str> = policy.split(';').map(str::trim).collect();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(parts.contains(&part), "{part} is not in {policy}");
    }
    assert!(
        !policy.contains("unsafe-eval") && !policy.contains("http"),
        "{policy}"
    );
    assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    assert_eq!(answer.headers[opener], "same-origin");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

/// What a page loads.
fn assets(page: &str) -> Vec<String> {
    page.split(['"', '\''])
        .filter(|part| part.contains("assets/") && !part.contains('<'))
        .map(|part| format!("/{}", part.trim_start_matches(['.', '/'])))
        .collect()
}
