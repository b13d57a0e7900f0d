//! Draining of request bodies that were not read.
//!
//! Closing a connection with unread data makes TCP reset it, and the reset can destroy the response before the client
//! reads it ([RFC 9112, 9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6)). Clients that send the whole body
//! before reading would see a broken connection instead of the refusal. The rest is therefore read and dropped while
//! the response is sent, like nginx's
//! [lingering_close](https://nginx.org/en/docs/http/ngx_http_core_module.html#lingering_close).

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderValue, Request, header},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// Maximum bytes to drain; beyond, the connection is closed.
const MAX_DRAINED: u64 = 64 << 20;
/// Length up to which draining is cheap enough to keep the connection open.
const SMALL_REST: u64 = 8 << 10;

/// Drains the rest of the body for at most `timeout`. A response before a long rest closes the connection.
pub async fn drain_unread(timeout: Duration, request: Request<Body>, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let closes = Arc::new(AtomicBool::new(false));
    let (parts, body) = request.into_parts();
    let body = DrainOnDrop {
        body: Some(body),
        // The client sends no body before a `100 Continue` (https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1).
        expects_continue: expects_continue(&parts.headers),
        closes: closes.clone(),
        timeout,
    };
    let request = Request::from_parts(parts, Body::new(body));
    let mut response = next.run(request).await;
    if closes.load(Ordering::SeqCst) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

fn expects_continue(headers: &HeaderMap) -> bool {
    let expected = headers.get(header::EXPECT);
    expected.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Body that is drained on drop.
struct DrainOnDrop {
    /// `None` once the body has ended.
    body: Option<Body>,
    expects_continue: bool,
    /// Set when the body is dropped before its end.
    closes: Arc<AtomicBool>,
    timeout: Duration,
}

impl HttpBody for DrainOnDrop {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Polling makes hyper send `100 Continue`, so the client sends from here on.
        self.expects_continue = false;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let none = || SizeHint::with_exact(0);
        self.body.as_ref().map_or_else(none, HttpBody::size_hint)
    }
}

impl Drop for DrainOnDrop {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        let Some(rest) = rest else { return };
        let length = rest.size_hint().exact();
        // Tells the client to stop sending; without a body under way, closing is safe.
        if self.expects_continue || length.is_none_or(|length| length > SMALL_REST) {
            self.closes.store(true, Ordering::SeqCst);
        }
        if !self.expects_continue {
            tokio::spawn(tokio::time::timeout(self.timeout, drain(rest)));
        }
    }
}

async fn drain(mut rest: Body) {
    let mut bytes: u64 = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if bytes > MAX_DRAINED {
            return;
        }
    }
}
