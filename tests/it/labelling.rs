//! The labelling config, as Label Studio has it, and results against it.

mod changes;
mod check;
mod config;
mod controls;
mod projects;
mod repeaters;
