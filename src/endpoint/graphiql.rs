//! GraphiQL page, embedded in the binary: the browser contacts no other server.

use axum::{
    Router,
    extract::Path,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::Embed;

/// Output of `web/graphiql`.
#[derive(Embed)]
#[folder = "web/graphiql/dist/"]
struct Bundle;

/// Content Security Policy: scripts and connections from this origin alone. Inline styles, because the editor writes
/// styles into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Routes for `/`, its assets, and the licences of the bundled packages.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { file("index.html", "no-cache") }))
        .route(
            "/assets/{name}",
            get(|Path(name): Path<String>| async move {
                // Asset names contain a hash of the content, so caches may keep them for ever.
                file(
                    &format!("assets/{name}"),
                    "public, max-age=31536000, immutable",
                )
            }),
        )
        .route(
            "/licenses.txt",
            get(|| async { file("licenses.txt", "no-cache") }),
        )
}

fn file(name: &str, caching: &'static str) -> Response {
    let Some(file) = Bundle::get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(name)),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
