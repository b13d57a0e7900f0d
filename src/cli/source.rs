//! Label Studio's files as sources of commands without a database.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::Context;

use crate::{
    config::is_stream,
    domain::import::{COMPLETIONS, Fields},
};

/// Opens a file, or standard input for `-`. Fails when the file can't be opened.
pub fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if is_stream(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("can't read {}", path.display()))?;
    Ok(Box::new(file))
}

/// Takes the flags of a cancelled annotation: `was_cancelled`, or `skipped` in a list of completions, where exports
/// from before Label Studio 1.0 have the flag. Cancelled annotations answer no required control, and count neither as
/// finished annotations nor in agreement.
pub fn is_cancelled(list: &str, annotation: &mut Fields<'_>) -> bool {
    let mut is_set = |flag| annotation.take(flag) == Some("true");
    is_set("was_cancelled") || (list == COMPLETIONS && is_set("skipped"))
}
