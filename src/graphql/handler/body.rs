//! The body of a request: its type, its size, its encoding.

use std::{io::Read, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};

use super::answer::Refusal;
use crate::graphql::error::BAD_REQUEST;

/// Larger bodies are decompressed where it holds up nobody.
const LARGE: usize = 64 << 10;

/// What a body may be compressed with.
#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
}

/// The bytes of a body that is `application/json`, decompressed.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Refusal> {
    if !is_json(headers) {
        return Err(unsupported("send the request as application/json in UTF-8"));
    }
    let encoding = encoding(headers)?;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let read = axum::body::to_bytes(body, limit);
    let bytes = match tokio::time::timeout(patience, read).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if is_too_large(&error) => return Err(too_large(limit)),
        Ok(Err(_)) => return Err(Refusal::bad_request("the body ends before its end")),
        Err(_) => {
            let message = format!("a body has {} s to arrive", patience.as_secs_f64());
            let status = StatusCode::REQUEST_TIMEOUT;
            return Err(Refusal::new(status, BAD_REQUEST, message));
        }
    };
    if matches!(encoding, Encoding::Identity) {
        return Ok(bytes);
    }
    if bytes.len() < LARGE {
        return decompressed(encoding, &bytes, limit);
    }
    tokio::task::spawn_blocking(move || decompressed(encoding, &bytes, limit))
        .await
        .unwrap_or_else(|_| Err(Refusal::internal()))
}

/// Never more than the limit, however far the body would expand.
fn decompressed(encoding: Encoding, bytes: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut plain = Vec::new();
    let bound = limit as u64 + 1;
    let read = match encoding {
        Encoding::Identity => bytes.take(bound).read_to_end(&mut plain),
        Encoding::Gzip => flate2::read::MultiGzDecoder::new(bytes)
            .take(bound)
            .read_to_end(&mut plain),
        Encoding::Deflate => flate2::read::ZlibDecoder::new(bytes)
            .take(bound)
            .read_to_end(&mut plain),
        Encoding::Brotli => brotli::Decompressor::new(bytes, 4096)
            .take(bound)
            .read_to_end(&mut plain),
    };
    match read {
        Err(_) => Err(Refusal::bad_request(
            "the body is not what its Content-Encoding says",
        )),
        Ok(_) if plain.len() > limit => Err(too_large(limit)),
        Ok(_) => Ok(plain.into()),
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

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn unsupported(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, BAD_REQUEST, message)
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("a request has at most {limit} bytes");
    Refusal::too_large(StatusCode::PAYLOAD_TOO_LARGE, message)
}
