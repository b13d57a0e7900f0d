//! Annograph: a GraphQL server for human annotations of data.

// Printing to a closed pipe panics; `cli::out` prints without panicking.
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
pub mod id;
pub mod instant;
pub mod server;

mod telemetry;
