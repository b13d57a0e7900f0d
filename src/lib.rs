//! Annograph, a GraphQL server for human annotations of data.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod events;
pub mod graphql;
pub mod labelstudio;
pub mod server;

mod telemetry;
