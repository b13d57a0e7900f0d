//! Settings of the endpoint: sizes, timeouts and shares of users.

use axum::http::HeaderValue;
use clap::Args;

use super::{positive, seconds};

/// Bounds and timeouts of HTTP, WebSocket and event streams. Every bound is on by default; only the three shares of a
/// user can be turned off, by 0.
#[derive(Args, Clone, Debug)]
pub struct HttpArgs {
    /// Bytes of the largest request body, after decompression.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_BODY",
        value_parser = positive::<usize>,
        default_value_t = 32 << 20
    )]
    pub max_body: usize,

    /// Bytes that bodies, answers and caches may hold together; no bound on the memory of the process. Default: half
    /// of the memory of the machine or of the control group, whichever is less.
    #[arg(long, env = "ANNOGRAPH_MEMORY", value_parser = positive::<u64>)]
    pub memory: Option<u64>,

    /// Bytes of the largest head of a request: address and headers.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_HEAD",
        value_parser = positive::<usize>,
        default_value_t = 16 << 10
    )]
    pub max_head: usize,

    /// Requests in a batch; 1 allows single requests only.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_BATCH",
        value_parser = positive::<usize>,
        default_value_t = 10
    )]
    pub max_batch: usize,

    /// Seconds that a request may take.
    #[arg(long, env = "ANNOGRAPH_TIMEOUT", value_parser = seconds, default_value_t = 30)]
    pub timeout: u64,

    /// Seconds that a connection may take for the head of its next request.
    #[arg(long, env = "ANNOGRAPH_HEADER_TIMEOUT", value_parser = seconds, default_value_t = 20)]
    pub header_timeout: u64,

    /// Seconds that a client may take to send a body, and to receive a part of an answer.
    #[arg(long, env = "ANNOGRAPH_BODY_TIMEOUT", value_parser = seconds, default_value_t = 20)]
    pub body_timeout: u64,

    /// Connections at once; further connections wait to be accepted.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_CONNECTIONS",
        value_parser = positive::<usize>,
        default_value_t = 10_000
    )]
    pub max_connections: usize,

    /// Requests per second of a user over all tokens, counting each request of a batch; 0 for any number.
    #[arg(long, env = "ANNOGRAPH_RATE_LIMIT", default_value_t = 10_000)]
    pub rate_limit: u32,

    /// Concurrent requests of a user over all tokens; 0 for any number.
    #[arg(long, env = "ANNOGRAPH_MAX_CONCURRENT", default_value_t = 256)]
    pub max_concurrent: usize,

    /// Concurrent subscriptions of a user over all connections; 0 for any number.
    #[arg(long, env = "ANNOGRAPH_MAX_SUBSCRIPTIONS", default_value_t = 10_000)]
    pub max_subscriptions: usize,

    /// Origin whose pages may send requests (`https://app.example.com`); repeat the flag, or separate with commas.
    /// Default: pages of this server only.
    #[arg(long, env = "ANNOGRAPH_CORS_ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<HeaderValue>,

    /// Seconds that a WebSocket may take to sign in.
    #[arg(long, env = "ANNOGRAPH_WS_INIT_TIMEOUT", value_parser = seconds, default_value_t = 10)]
    pub ws_init_timeout: u64,

    /// Seconds between pings of a WebSocket. A socket that is silent for twice as long is dropped.
    #[arg(long, env = "ANNOGRAPH_WS_PING", value_parser = seconds, default_value_t = 20)]
    pub ws_ping: u64,

    /// Bytes of the largest message of a WebSocket.
    #[arg(
        long,
        env = "ANNOGRAPH_WS_MAX_MESSAGE",
        value_parser = positive::<usize>,
        default_value_t = 4 << 20
    )]
    pub ws_max_message: usize,

    /// Operations at once on a WebSocket.
    #[arg(
        long,
        env = "ANNOGRAPH_WS_MAX_OPERATIONS",
        value_parser = positive::<usize>,
        default_value_t = 100
    )]
    pub ws_max_operations: usize,

    /// Seconds between checks that the tokens of WebSockets and event streams are still active.
    #[arg(long, env = "ANNOGRAPH_TOKEN_CHECK", value_parser = seconds, default_value_t = 5)]
    pub token_check: u64,
}
