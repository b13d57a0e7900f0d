//! Labelling configs and checks of results.

mod changes;
mod check;
mod config;
mod controls;
mod objects;
mod projects;
mod reading;
mod repeaters;
