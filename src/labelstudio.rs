//! The foreign format: pure functions over Label Studio's JSON and its rules.

pub mod ago;
pub mod document;
