//! Annograph, a GraphQL server for human annotations of data.

// A print to a reader that has gone away panics; `cli::out` has what prints without.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod domain;
pub mod endpoint;
pub mod error;
pub mod events;
pub mod fair;
pub mod graphql;
pub mod labelstudio;
pub mod server;

mod telemetry;
