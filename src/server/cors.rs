//! Cross-origin requests ([CORS](https://fetch.spec.whatwg.org/#http-cors-protocol)).

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Method, Request, header},
    middleware::{Next, from_fn},
    response::Response,
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::REQUEST_ID;
use crate::endpoint::handler;

/// Lets pages of the configured origins send requests and read responses.
///
/// Requests authenticate by token, never by cookies, so a browser adds no credentials by itself. A page that may send
/// `Authorization` may send any header: preflights allow all requested headers, for client awareness and tracing.
pub fn allowed(router: Router, origins: &[HeaderValue]) -> Router {
    if origins.is_empty() {
        return router;
    }
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::RETRY_AFTER,
            handler::IDEMPOTENCY_REPLAYED,
            REQUEST_ID,
        ])
        // Spares a preflight per request; browsers cap longer times.
        .max_age(Duration::from_secs(3_600));
    router.layer(cors).layer(from_fn(for_allowed_origins_only))
}

/// Removes the headers that `CorsLayer` sends to origins that are not allowed.
async fn for_allowed_origins_only(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            header::ACCESS_CONTROL_MAX_AGE,
        ] {
            headers.remove(name);
        }
    }
    response
}
