//! GraphQL endpoint: reads, checks, limits and runs requests, and answers over HTTP, server-sent events or WebSocket.
//!
//! `handler` has the transports, `envelope` the JSON of a request, `document` validation and caching,
//! `coercion` values and variables, `size` and `cost` the limits, `engine` execution, `chunks` the JSON of answers,
//! `fan_out` the answers that subscribers share, `workarounds` faults of libraries.

pub mod cost;
pub mod document;
pub mod engine;
pub mod envelope;
pub mod graphiql;
pub mod handler;

mod chunks;
mod coercion;
mod fan_out;
mod size;
mod suggestion;
mod workarounds;
