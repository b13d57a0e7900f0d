//! The body of a request: its type, its size, its encoding.

use std::{io::Read as _, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;
use crate::graphql::error::BAD_REQUEST;

/// Larger bodies wait until few others are being worked on.
const LARGE: usize = 1 << 20;
/// Large bodies that are worked on at once, with all that is made of them.
const LARGE_AT_ONCE: usize = 4;
/// Bodies of the largest size that are in memory at once, whole or in part.
const BODIES: usize = 8;
/// Bytes that are counted as one.
const UNIT: usize = 1 << 10;
/// Larger compressed bodies are decompressed where it holds up nobody.
const QUICK: usize = 16 << 10;

/// Room for bodies.
#[derive(Clone)]
pub struct Room {
    bytes: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// A body, decompressed. What it takes of the room is given back when it is dropped.
pub struct Read {
    pub bytes: Bytes,
    _held: Held,
}

#[derive(Default)]
struct Held {
    bytes: Vec<OwnedSemaphorePermit>,
    place: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub fn new(max_body: usize) -> Self {
        let bytes = (BODIES * max_body.max(LARGE) / UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            bytes: Arc::new(Semaphore::new(bytes)),
            places: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        }
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        let place = self.places.clone().acquire_owned().await;
        place.expect("the room is never closed")
    }
}

/// What a body may be compressed with.
#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
}

/// The bytes of a body that is `application/json`.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
    room: &Room,
) -> Result<Read, Refusal> {
    if !is_json(headers) {
        return Err(unsupported("send the request as application/json in UTF-8"));
    }
    let encoding = encoding(headers)?;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut held = Held::default();
    let gathered = gathered(body, limit, room, &mut held);
    let Ok(bytes) = tokio::time::timeout(patience, gathered).await else {
        let message = format!("a body has {} s to arrive", patience.as_secs_f64());
        let status = StatusCode::REQUEST_TIMEOUT;
        return Err(Refusal::new(status, BAD_REQUEST, message));
    };
    let mut bytes = bytes?;
    if bytes.len() > LARGE {
        held.place = Some(room.place().await);
    }
    if !matches!(encoding, Encoding::Identity) {
        bytes = match expanded(encoding, bytes.clone(), limit.min(LARGE)).await? {
            Err(Expanded::TooFar) if limit > LARGE => {
                if held.place.is_none() {
                    held.place = Some(room.place().await);
                }
                expanded(encoding, bytes, limit).await?
            }
            small => small,
        }
        .map_err(|expanded| match expanded {
            Expanded::TooFar => too_large(limit),
            Expanded::Wrong => {
                Refusal::bad_request("the body is not what its Content-Encoding says")
            }
        })?;
    }
    Ok(Read { bytes, _held: held })
}

/// Reads a body as it comes. What has come takes room; when there is none, the body is refused, for all who
/// wait for room would hold some.
async fn gathered(
    mut body: Body,
    limit: usize,
    room: &Room,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let mut whole = Bytes::new();
    let mut parts = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad_request("the body ends before its end"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = whole.len() + parts.len() + data.len();
        if length > limit {
            return Err(too_large(limit));
        }
        let units = u32::try_from(data.len().div_ceil(UNIT)).unwrap_or(u32::MAX);
        match room.bytes.clone().try_acquire_many_owned(units) {
            Ok(permit) => held.bytes.push(permit),
            Err(_) => return Err(Refusal::busy("too many large requests at once, try again")),
        }
        // Most bodies come in one part, which is not copied.
        if whole.is_empty() && parts.is_empty() {
            whole = data;
        } else {
            parts.extend_from_slice(&std::mem::take(&mut whole));
            parts.extend_from_slice(&data);
        }
    }
    Ok(if parts.is_empty() {
        whole
    } else {
        parts.freeze()
    })
}

/// Decompresses a small body at once, a larger one beside the threads that answer requests: how long it
/// takes depends on the bytes that go in as well as on those that come out.
async fn expanded(
    encoding: Encoding,
    bytes: Bytes,
    limit: usize,
) -> Result<Result<Bytes, Expanded>, Refusal> {
    if bytes.len() <= QUICK {
        return Ok(decompressed(encoding, &bytes, limit));
    }
    let work = move || decompressed(encoding, &bytes, limit);
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::internal())
}

/// Why a body is not decompressed.
enum Expanded {
    TooFar,
    Wrong,
}

/// Never more than the limit, however far the body would expand.
fn decompressed(encoding: Encoding, bytes: &[u8], limit: usize) -> Result<Bytes, Expanded> {
    // All the room that it may need, of which only what is written to takes memory: growing step by step
    // would take twice as much at the end.
    let mut plain = Vec::with_capacity(limit + 1);
    let bound = limit as u64 + 1;
    let read = match encoding {
        Encoding::Identity => bytes.take(bound).read_to_end(&mut plain),
        // One member and nothing behind it: thousands of empty ones would take long and come to nothing.
        Encoding::Gzip => {
            let mut member = flate2::bufread::GzDecoder::new(bytes).take(bound);
            let read = member.read_to_end(&mut plain);
            let is_all = plain.len() > limit || member.into_inner().into_inner().is_empty();
            read.and_then(|read| match is_all {
                true => Ok(read),
                false => Err(std::io::ErrorKind::InvalidData.into()),
            })
        }
        Encoding::Deflate => flate2::read::ZlibDecoder::new(bytes)
            .take(bound)
            .read_to_end(&mut plain),
        Encoding::Brotli => brotli::Decompressor::new(bytes, 4096)
            .take(bound)
            .read_to_end(&mut plain),
    };
    match read {
        Err(_) => Err(Expanded::Wrong),
        Ok(_) if plain.len() > limit => Err(Expanded::TooFar),
        Ok(_) => {
            plain.shrink_to_fit();
            Ok(plain.into())
        }
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(encoding) = encodings.next() else {
        return Ok(Encoding::Identity);
    };
    let name = encoding.to_str().unwrap_or_default().to_ascii_lowercase();
    match (name.as_str(), encodings.next()) {
        ("identity", None) => Ok(Encoding::Identity),
        ("gzip" | "x-gzip", None) => Ok(Encoding::Gzip),
        ("deflate", None) => Ok(Encoding::Deflate),
        ("br", None) => Ok(Encoding::Brotli),
        _ => Err(unsupported(
            "the Content-Encoding of a request is one of gzip, deflate, br and identity",
        )),
    }
}

/// `application/json` in UTF-8. Nothing else: a browser sends other types across origins without asking.
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
