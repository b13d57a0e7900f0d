//! Requests from pages of other origins.

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

/// Lets pages of these origins send requests and read the answers. They bring their token along; there are
/// no cookies that a browser would add by itself. Whoever may send `Authorization` may send any header, so a
/// preflight allows those that it asks for: client awareness and tracing have headers of their own.
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
        .max_age(Duration::from_secs(3_600));
    router.layer(cors).layer(from_fn(for_allowed_origins_only))
}

/// Removes the headers that the layer gives to every origin.
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
