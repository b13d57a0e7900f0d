//! Labelling configs and checks of results.

mod changes;
mod check;
mod config;
mod controls;
mod exports;
mod objects;
mod projects;
mod reading;
mod repeaters;
