//! The labelling config, as Label Studio has it.

mod config;
mod controls;
mod projects;
