//! Label Studio's format as pure functions: labelling configs and results, without a database or a runtime.
//!
//! - [`config`] parses labelling configs, [`check`] checks results against them.
//! - [`region`] reads results into typed regions, [`agreement`] compares them.
//! - [`entry`], [`diff`], [`edit`] and [`merge`] work on the stored JSON text, so that the text of untouched entries stays.
//!
//! The format: <https://labelstud.io/guide/task_format>. Loops over results call [`interrupt::check`].

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
