//! The labelling config, as Label Studio has it.

mod config;
mod projects;
