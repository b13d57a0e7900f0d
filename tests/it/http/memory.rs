//! The memory budget for request bodies.

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use each_database::each_database;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::{sync::oneshot, task::JoinHandle};
use tower::ServiceExt;

use super::{assert_refused, bearer};
use crate::support::{Answer, Client, TestApp, send};

const VIEWER: &str = r#"{"query":"{ viewer { id } }"}"#;

fn request(by: &Client, body: Body) -> Request<Body> {
    Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, bearer(by))
        .body(body)
        .unwrap()
}

async fn post(router: &Router, by: &Client, body: impl Into<Body>) -> Answer {
    send(router, request(by, body.into())).await
}

/// Sends a body that stalls after these parts. Resolves once the server has read all parts.
async fn unfinished(
    router: &Router,
    by: &Client,
    parts: impl Iterator<Item = Bytes> + Send + 'static,
) -> JoinHandle<()> {
    let (tell, read) = oneshot::channel();
    let rest = async move {
        let _ = tell.send(());
        std::future::pending::<Bytes>().await
    };
    let parts = stream::iter(parts).chain(rest.into_stream());
    let body = Body::from_stream(parts.map(Ok::<_, Infallible>));
    let answer = router.clone().oneshot(request(by, body));
    let sending = tokio::spawn(async move {
        let _ = answer.await;
    });
    let _ = read.await;
    sending
}

fn spaces(bytes: usize) -> Bytes {
    vec![b' '; bytes].into()
}

#[each_database]
async fn bodies_in_small_parts_take_no_more_than_their_bytes(app: TestApp) {
    let stranger = app.stranger("bob").await;
    let mut sending = Vec::new();
    // Counted as 1 KiB each, the frames would fill 256 MiB.
    for _ in 0..4 {
        let parts = std::iter::repeat_n(Bytes::from_static(b" "), 65_536);
        sending.push(unfinished(&app.router, &app.admin, parts).await);
    }
    for by in [&stranger, &app.admin] {
        for size in [0, 1 << 20] {
            let body = [&spaces(size), VIEWER.as_bytes()].concat();
            post(&app.router, by, body).await.ok();
        }
    }
    for sending in sending {
        assert!(!sending.is_finished());
        sending.abort();
    }
}

#[each_database]
async fn a_user_has_a_share_of_the_memory_for_bodies(app: TestApp) {
    let stranger = app.stranger("bob").await;
    // Bodies of 1 MiB: three fit into the share of a user, twelve into the budget.
    let router = app.router_with(&["--max-body", "1048576"]);
    let large = || std::iter::once(spaces(1 << 20));
    let mut sending = Vec::new();
    for _ in 0..3 {
        sending.push(unfinished(&router, &app.admin, large()).await);
    }
    let body = || [&spaces(100_000), VIEWER.as_bytes()].concat();
    let refused = post(&router, &app.admin, body()).await;
    assert_refused(&refused, StatusCode::TOO_MANY_REQUESTS, "LIMIT_EXCEEDED");
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    post(&router, &app.admin, VIEWER).await.ok();
    post(&router, &stranger, body()).await.ok();
    for name in ["u1", "u2", "u3"] {
        let by = app.stranger(name).await;
        for _ in 0..3 {
            sending.push(unfinished(&router, &by, large()).await);
        }
    }
    let refused = post(&router, &stranger, body()).await;
    assert_refused(
        &refused,
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
    );
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    // Small bodies use the reserve.
    for by in [&stranger, &app.admin] {
        post(&router, by, VIEWER).await.ok();
    }
    for sending in sending {
        assert!(!sending.is_finished());
        sending.abort();
        let _ = sending.await;
    }
    post(&router, &app.admin, body()).await.ok();
}
