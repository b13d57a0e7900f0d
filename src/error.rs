//! Errors of the whole program: each refusal has a code, a sentence, and, when it concerns the input, problems with
//! paths.

pub mod unavailable;

use std::{fmt, sync::Arc};

use sea_orm::DbErr;

pub use self::unavailable::{Outcome, Reason, Unavailable};
pub use problem::{LineIndex, Location, Path, Problem, ProblemCode, Segment, dotted};

/// Result with the errors of the domain.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Refusal or failure, from the domain to the client.
///
/// Cheap to clone, because a failed batch of a loader answers many fields.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Invalid input, with all problems found; never empty.
    #[error("{}", summary(.0))]
    BadInput(Vec<Problem>),
    /// The object does not exist, or the caller may not know that it does.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The caller sees the object but may not change it so.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Stale write: the object has changed since the caller read it.
    #[error("{0}")]
    Conflict(Box<Conflict>),
    /// No valid token.
    #[error("sign in with an API token: `Authorization: Bearer <token>`")]
    Unauthenticated,
    /// The subscriber reads events too slowly. The cursor continues after the last event sent.
    #[error("events come faster than they are taken: subscribe again with `after`")]
    TooSlow { cursor: String },
    /// The response would exceed the limit of work.
    #[error("{0}")]
    TooMuch(&'static str),
    /// The response would exceed the limit of bytes.
    #[error(
        "an answer holds at most {max} bytes: ask for smaller pages, for fewer lists at once, or without large fields such as `result`"
    )]
    AnswerTooLarge { max: u64 },
    /// The database or the server can't run the request now; the same request may succeed later.
    #[error("{0}")]
    Unavailable(Unavailable),
    /// Unexpected failure. The text is for the log, never for a client.
    #[error("internal error")]
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

/// Details of a stale write.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// Kind of the object: `annotation`, `draft` and so on.
    pub of: &'static str,
    pub expected_version: Option<i32>,
    /// 0 when the object does not exist.
    pub current_version: i32,
    /// Fields of the refused change that others changed since the expected version. Objects without history list the
    /// fields whose current value differs from the change.
    pub clashing_fields: Vec<String>,
    /// Ids of regions that both the refused change and later changes touched. Annotations only.
    pub clashing_regions: Vec<String>,
    /// Current object as JSON; `null` when it does not exist.
    pub current: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of, current) = (self.of, self.current_version);
        match self.expected_version {
            _ if current == 0 => write!(f, "the {of} is not there any more"),
            Some(expected) if expected != current => {
                write!(f, "the {of} is at version {current}, not {expected}")
            }
            _ => write!(f, "the {of} is another one than expected"),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::BadInput(vec![problem])
    }
}

impl Error {
    /// Lost race or overload. Nothing was changed.
    pub fn busy() -> Self {
        Self::unavailable(Reason::Busy)
    }

    /// Transient failure before any change.
    pub fn unavailable(reason: Reason) -> Self {
        Self::Unavailable(reason.into())
    }

    /// Changes the outcome to NOT_DONE, for a transaction that was rolled back anyway.
    pub fn not_done(self) -> Self {
        match self {
            Self::Unavailable(failure) => Self::Unavailable(Unavailable {
                outcome: Outcome::NotDone,
                ..failure
            }),
            other => other,
        }
    }

    /// Failure of a commit. The outcome is known only when the database itself refused it.
    pub fn of_commit(error: DbErr) -> Self {
        let is_refusal = unavailable::is_refusal(&error);
        // Connection errors during a commit may come after the commit succeeded.
        match Self::from(error) {
            Self::Unavailable(failure) if !is_refusal => Self::Unavailable(failure.unknown()),
            other => other,
        }
    }
}

impl From<DbErr> for Error {
    /// Converts transient database errors to UNAVAILABLE, and all others to internal errors.
    fn from(error: DbErr) -> Self {
        match unavailable::reason(&error) {
            Some(reason) => Self::Unavailable(Unavailable::from(reason).because(error)),
            None => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<serde_json::Error> for Error {
    /// For our own JSON only: client JSON is checked before parsing.
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(Arc::new(error))
    }
}

fn summary(problems: &[Problem]) -> String {
    match problems {
        [only] => format!("{}: {}", dotted(&only.path), only.message),
        all => format!("the input has {} problems", all.len()),
    }
}
