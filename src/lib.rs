//! Annograph, a GraphQL server for human annotations of data.

pub mod app;
pub mod db;
pub mod domain;
pub mod error;
pub mod labelstudio;
