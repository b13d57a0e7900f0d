//! The settings of the endpoint: what it reads, how long it waits, and how much it does for one caller.

use axum::http::HeaderValue;
use clap::Args;

/// Bounds and times of HTTP, WebSocket and event streams. Every bound is on unless it is told otherwise.
#[derive(Args, Clone, Debug)]
pub struct HttpArgs {
    /// Bytes of the largest request body, once it is decompressed.
    #[arg(long, env = "ANNOGRAPH_MAX_BODY", default_value_t = 32 << 20)]
    pub max_body: usize,

    /// Bytes that bodies, answers and caches may hold together. It bounds these, not the memory of the process.
    /// Unless given, half of the memory of the machine or of its control group, whichever has less.
    #[arg(long, env = "ANNOGRAPH_MEMORY")]
    pub memory: Option<u64>,

    /// Bytes of the largest head of a request: its address and its headers.
    #[arg(long, env = "ANNOGRAPH_MAX_HEAD", default_value_t = 16 << 10)]
    pub max_head: usize,

    /// Most requests in one batch; 1 allows none but single requests.
    #[arg(long, env = "ANNOGRAPH_MAX_BATCH", default_value_t = 10)]
    pub max_batch: usize,

    /// Seconds that a request may take.
    #[arg(long, env = "ANNOGRAPH_TIMEOUT", default_value_t = 30)]
    pub timeout: u64,

    /// Seconds that a connection may take for the head of its next request.
    #[arg(long, env = "ANNOGRAPH_HEADER_TIMEOUT", default_value_t = 20)]
    pub header_timeout: u64,

    /// Seconds that a client may take to send a body, and to take in a part of an answer.
    #[arg(long, env = "ANNOGRAPH_BODY_TIMEOUT", default_value_t = 20)]
    pub body_timeout: u64,

    /// Most connections at once; more wait to be accepted.
    #[arg(long, env = "ANNOGRAPH_MAX_CONNECTIONS", default_value_t = 10_000)]
    pub max_connections: usize,

    /// Requests per second of one user over all tokens, counting each request of a batch; 0 for any number.
    #[arg(long, env = "ANNOGRAPH_RATE_LIMIT", default_value_t = 10_000)]
    pub rate_limit: u32,

    /// Concurrent requests of one user over all tokens; 0 for any number.
    #[arg(long, env = "ANNOGRAPH_MAX_CONCURRENT", default_value_t = 256)]
    pub max_concurrent: usize,

    /// Concurrent subscriptions of one user over all connections; 0 for any number.
    #[arg(long, env = "ANNOGRAPH_MAX_SUBSCRIPTIONS", default_value_t = 10_000)]
    pub max_subscriptions: usize,

    /// An origin whose pages may send requests (`https://app.example.com`); repeat it, or separate with
    /// commas. Without any, pages of this server only.
    #[arg(long, env = "ANNOGRAPH_CORS_ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<HeaderValue>,

    /// Seconds that a WebSocket may take to say who it is.
    #[arg(long, env = "ANNOGRAPH_WS_INIT_TIMEOUT", default_value_t = 10)]
    pub ws_init_timeout: u64,

    /// Seconds between pings of a WebSocket. One that is silent for twice as long is dropped.
    #[arg(long, env = "ANNOGRAPH_WS_PING", default_value_t = 20)]
    pub ws_ping: u64,

    /// Bytes of the largest message of a WebSocket.
    #[arg(long, env = "ANNOGRAPH_WS_MAX_MESSAGE", default_value_t = 4 << 20)]
    pub ws_max_message: usize,

    /// Operations under way at once on one WebSocket.
    #[arg(long, env = "ANNOGRAPH_WS_MAX_OPERATIONS", default_value_t = 100)]
    pub ws_max_operations: usize,

    /// Seconds between checks that the tokens of WebSockets and event streams are still good.
    #[arg(long, env = "ANNOGRAPH_TOKEN_CHECK", default_value_t = 5)]
    pub token_check: u64,
}
