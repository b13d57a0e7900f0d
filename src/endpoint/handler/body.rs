//! Request bodies: type, size and encoding.

mod budget;
mod encoding;

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::BodyExt;

pub use self::budget::BodyBudget;
use self::{
    budget::{BodyLease, SMALL},
    encoding::{Encoding, Expansion},
};
use super::response::Refusal;
use crate::{
    app::compute::{self, Compute},
    fair::Permit,
    graphql::error::BAD_REQUEST,
};

/// Minimum size of a large body, for which a permit is needed.
const LARGE: usize = 1 << 20;
/// Initial capacity of the buffer for a body of unknown length.
const FIRST_CAPACITY: usize = 1 << 10;

/// Limits of a body.
#[derive(Clone, Copy)]
pub struct BodyLimits {
    /// Maximum size in bytes, after decompression.
    pub size: usize,
    /// Maximum time to receive the body.
    pub time: Duration,
}

/// Decompressed body. The memory returns to the budget on drop.
pub struct ReceivedBody {
    pub bytes: Bytes,
    _lease: BodyLease,
    _large: Option<Permit>,
}

/// Reads an `application/json` body within its limits.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    user_id: i64,
    bounds: BodyLimits,
    budget: &BodyBudget,
    compute: &Compute,
) -> Result<ReceivedBody, Refusal> {
    if !is_json(headers) {
        return Err(unsupported("send the request as application/json in UTF-8"));
    }
    let encoding = Encoding::of(headers)?;
    // Refuses by the announced length first: the client may then stop before sending
    // (https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1).
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bounds.size as u64) {
        return Err(too_large(bounds.size));
    }
    // Leases nothing yet: a client that sends no body must not occupy the budget.
    let buffer = Buffer::new(budget.lease(user_id));
    let collected = collect(body, bounds.size, buffer);
    let Ok(buffer) = tokio::time::timeout(bounds.time, collected).await else {
        let message = format!("a body has {} s to arrive", bounds.time.as_secs_f64());
        let status = StatusCode::REQUEST_TIMEOUT;
        return Err(Refusal::new(status, BAD_REQUEST, message));
    };
    let buffer = buffer?;
    let mut large = None;
    // The permit comes after receiving: a slow sender would otherwise hold up other users' large bodies.
    if buffer.bytes.len() > LARGE {
        large = Some(budget.large(user_id).await);
    }
    let plain = Buffer::new(budget.lease(user_id));
    let mut buffer = match Expansion::new(encoding, buffer, plain) {
        Err(buffer) => buffer,
        Ok(expansion) => {
            let wait = async || {
                // A compressed body may have the permit already.
                if large.is_none() {
                    large = Some(budget.large(user_id).await);
                }
            };
            decompress(expansion, bounds.size, (compute, user_id), wait).await?
        }
    };
    buffer.shrink()?;
    Ok(ReceivedBody {
        bytes: buffer.bytes.into(),
        _lease: buffer.lease,
        _large: large,
    })
}

/// Copies the frames of a body into a single buffer. A frame shares the connection's read buffer, so keeping even a
/// frame of one byte would keep the whole buffer.
async fn collect(mut body: Body, limit: usize, mut buffer: Buffer) -> Result<Buffer, Refusal> {
    let announced = body.size_hint().exact();
    let announced = announced.and_then(|length| usize::try_from(length).ok());
    let most = announced.unwrap_or(limit).min(limit);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad_request("the body ends before its end"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        // Chunked bodies announce no length, so the bound is checked again per frame.
        if buffer.bytes.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        buffer.reserve(data.len(), most)?;
        buffer.bytes.extend_from_slice(&data);
    }
    Ok(buffer)
}

/// Decompresses small bodies in place and larger bodies on worker threads. Awaits `wait` before expanding beyond
/// [`LARGE`], so that small bombs never need a permit.
async fn decompress(
    mut expansion: Expansion,
    limit: usize,
    user: (&Compute, i64),
    wait: impl AsyncFnOnce(),
) -> Result<Buffer, Refusal> {
    if expansion.compressed() <= SMALL && expansion.expand(limit.min(SMALL))? {
        return Ok(expansion.finish());
    }
    let mut is_whole;
    // Expands up to `LARGE` first: nobody knows the size before, and most bodies need no permit.
    (expansion, is_whole) = decompress_apart(expansion, limit.min(LARGE), user).await?;
    if !is_whole && limit > LARGE {
        wait().await;
        (expansion, is_whole) = decompress_apart(expansion, limit, user).await?;
    }
    match is_whole {
        true => Ok(expansion.finish()),
        false => Err(too_large(limit)),
    }
}

/// Decompresses on the worker threads of the user, whose other large operations it takes turns with. Ends when the
/// request does.
async fn decompress_apart(
    mut expansion: Expansion,
    limit: usize,
    (compute, user_id): (&Compute, i64),
) -> Result<(Expansion, bool), Refusal> {
    let work = async move {
        let is_whole = expansion.expand(limit)?;
        Ok((expansion, is_whole))
    };
    // The size of the plain body is not known yet: never on the threads that answer requests.
    let bytes = compute::SMALL + 1;
    let done = compute.run(user_id, None, bytes, work).await;
    done.unwrap_or_else(|_| Err(Refusal::internal()))
}

/// Growing buffer that leases memory before allocating.
pub struct Buffer {
    bytes: Vec<u8>,
    lease: BodyLease,
}

impl Buffer {
    fn new(lease: BodyLease) -> Self {
        Self {
            bytes: Vec::new(),
            lease,
        }
    }

    /// Reserves capacity for more bytes. Doubles the capacity up to `most`, so that copying stays linear.
    fn reserve(&mut self, more: usize, most: usize) -> Result<(), Refusal> {
        let needed = self.bytes.len() + more;
        let capacity = self.bytes.capacity();
        if needed <= capacity {
            return Ok(());
        }
        let capacity = (2 * capacity).max(FIRST_CAPACITY).min(most).max(needed);
        self.lease.resize(capacity)?;
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }

    /// Frees unused capacity when it exceeds [`SMALL`].
    fn shrink(&mut self) -> Result<(), Refusal> {
        if self.bytes.capacity() - self.bytes.len() > SMALL {
            self.bytes.shrink_to_fit();
            self.lease.resize(self.bytes.capacity())?;
        }
        Ok(())
    }
}

/// Checks whether the body is `application/json` in UTF-8.
///
/// Refuses other types: browsers send the [safelisted
/// types](https://fetch.spec.whatwg.org/#cors-safelisted-request-header) across origins without a preflight, which
/// would allow request forgery.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| {
        parameter
            .to_ascii_lowercase()
            .strip_prefix("charset=")
            .is_none_or(|charset| charset.trim_matches('"') == "utf-8")
    });
    is_json && is_utf8
}

fn unsupported(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST, message)
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("a request has at most {limit} bytes");
    Refusal::too_large(StatusCode::PAYLOAD_TOO_LARGE, message)
}
