//! Integration tests: requests to a whole server, on SQLite and PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test looks into the database beside the server, and waits for processes"
)]

mod group_commit;
mod grouped_updates;
mod support;
mod write_path;

mod access;
mod answer_memory;
mod cli;
mod connection_shares;
mod documentation;
mod documents;
mod events;
mod export;
mod federation;
mod graphql;
mod http;
mod import;
mod labelling;
mod large_requests;
mod layers;
mod migration;
mod plans;
mod races;
mod reading;
mod schema;
mod sockets;
mod storage;
mod workarounds;
