//! The labelling config, as Label Studio has it, and results against it.

mod changes;
mod check;
mod config;
mod controls;
mod objects;
mod projects;
mod reading;
mod repeaters;
