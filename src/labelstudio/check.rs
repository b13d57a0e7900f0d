//! Whether a result fits the labelling config of its project.
//!
//! [`Mode::Standard`] gives the verdicts of label-studio-sdk's `LabelInterface.validate_annotation`, except
//! where it is plainly wrong; [`Mode::Strict`] adds what a config promises and the SDK does not look at.

use super::config::Config;

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Off,
    /// What the SDK checks.
    Standard,
    /// What the config promises besides.
    Strict,
}

/// What a result is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub config: &'a Config,
    pub mode: Mode,
    /// The task's data, a JSON object as text; offsets into its texts are checked in [`Mode::Strict`] only.
    pub data: Option<&'a str>,
    /// The task was skipped: nothing is required then.
    pub is_cancelled: bool,
}
