//! Compressed bodies.

use std::io::Write;

use axum::http::{StatusCode, header};
use each_database::each_database;
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};

use super::{assert_refused, bearer, post};
use crate::support::{Answer, TestApp};

const VIEWER: &str = r#"{"query":"{ viewer { id } }"}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn brotli(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut bytes, 4096, 4, 20);
    encoder.write_all(text).unwrap();
    drop(encoder);
    bytes
}

async fn send(app: &TestApp, encoding: &str, body: Vec<u8>) -> Answer {
    let authorization = bearer(&app.admin);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::AUTHORIZATION, authorization.as_str()),
        (header::CONTENT_ENCODING, encoding),
    ];
    post(app, &headers, body).await
}

#[each_database]
async fn compressed_bodies_are_read(app: TestApp) {
    let text = VIEWER.as_bytes();
    let large = format!("{}{VIEWER}", " ".repeat(1 << 20));
    for (encoding, body) in [
        ("gzip", gzip(text)),
        ("GZIP", gzip(text)),
        ("x-gzip", gzip(text)),
        ("deflate", deflate(text)),
        ("br", brotli(text)),
        ("identity", text.to_vec()),
        ("gzip", gzip(large.as_bytes())),
    ] {
        let answer = send(&app, encoding, body).await;
        assert_eq!(answer.data()["viewer"]["id"], "1", "{encoding}");
    }
}

#[each_database]
async fn what_expands_too_far_is_refused(app: TestApp) {
    let spaces = vec![b' '; 40 << 20];
    for (encoding, body) in [
        ("gzip", gzip(&spaces)),
        ("deflate", deflate(&spaces)),
        ("br", brotli(&spaces)),
    ] {
        assert!(body.len() < 1 << 20, "{}", body.len());
        let answer = send(&app, encoding, body).await;
        assert_refused(&answer, StatusCode::PAYLOAD_TOO_LARGE, "LIMIT_EXCEEDED");
    }
}

#[each_database]
async fn many_large_bodies_at_once_are_all_answered(app: TestApp) {
    let large = format!("{}{VIEWER}", " ".repeat(2 << 20)).into_bytes();
    let bodies = [
        ("gzip", gzip(&large)),
        ("identity", large),
        ("br", brotli(VIEWER.as_bytes())),
    ];
    let sent = bodies.iter().cycle().take(24);
    let answers = sent.map(|(encoding, body)| send(&app, encoding, body.clone()));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.data()["viewer"]["id"], "1");
    }
}

#[each_database]
async fn bodies_that_are_not_what_they_are_called_are_refused(app: TestApp) {
    let whole = gzip(VIEWER.as_bytes());
    for (encoding, body) in [
        ("gzip", VIEWER.as_bytes().to_vec()),
        ("gzip", whole[..whole.len() - 6].to_vec()),
        ("deflate", VIEWER.as_bytes().to_vec()),
        ("br", VIEWER.as_bytes().to_vec()),
    ] {
        let answer = send(&app, encoding, body).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
    for encoding in ["zstd", "compress", "gzip, gzip", "nonsense", ""] {
        let answer = send(&app, encoding, whole.clone()).await;
        assert_refused(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST");
    }
}

#[each_database]
async fn a_body_of_many_empty_parts_is_not_read_for_long(app: TestApp) {
    let whole = gzip(VIEWER.as_bytes());
    for parts in [
        [gzip(b""), whole.clone()],
        [whole.clone(), gzip(b" ")],
        [whole, b"x".to_vec()],
    ] {
        let answer = send(&app, "gzip", parts.concat()).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
    let answer = send(&app, "gzip", gzip(b"").repeat(100_000)).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "BAD_REQUEST");
}
