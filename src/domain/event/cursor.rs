//! Cursors of events: a place in one particular log.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::{Error, Problem, ProblemCode};

pub fn encode(log: &str, seq: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("e1:{log}:{seq}"))
}

/// The place that a cursor stands for, in a log that ends at `end`.
pub fn decode(cursor: &str, log: &str, end: i64) -> Result<i64, Error> {
    let Some((of, seq)) = parts(cursor) else {
        return Err(refused("this is no cursor of an event"));
    };
    // Numbers repeat after a backup was restored, and then stand for other events.
    if of != log {
        return Err(refused(
            "the cursor is of another event log, perhaps from before a backup was restored: read anew and subscribe without it",
        ));
    }
    if seq > end {
        return Err(refused("the cursor lies ahead of the event log"));
    }
    Ok(seq)
}

fn parts(cursor: &str) -> Option<(String, i64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (log, seq) = text.strip_prefix("e1:")?.split_once(':')?;
    let seq = seq.parse().ok().filter(|seq| *seq >= 0)?;
    Some((log.to_owned(), seq))
}

fn refused(message: &str) -> Error {
    Problem::new(["after"], ProblemCode::InvalidFormat, message).into()
}
