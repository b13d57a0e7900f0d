//! The foreign format: pure functions over Label Studio's JSON and its rules.

#![warn(missing_docs)]

pub mod ago;
pub mod agreement;
pub mod check;
pub mod config;
pub mod diff;
pub mod edit;
pub mod entry;
pub mod merge;
pub mod region;
