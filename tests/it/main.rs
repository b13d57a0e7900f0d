//! Integration tests: requests to a whole server, on SQLite and PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;
mod writes;

mod access;
mod answers;
mod cli;
mod computing;
mod documentation;
mod documents;
mod events;
mod export;
mod fairness;
mod federation;
mod graphql;
mod http;
mod import;
mod labelling;
mod layers;
mod migration;
mod plans;
mod races;
mod reading;
mod schema;
mod sockets;
mod storage;
