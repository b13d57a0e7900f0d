//! Errors of the whole program: each refusal has a code, a sentence, and, when it concerns the input, problems with
//! paths.

mod places;
pub mod unavailable;

use std::{fmt, sync::Arc};

use sea_orm::DbErr;
use serde::Serialize;

pub use self::{
    places::Places,
    unavailable::{Outcome, Reason, Unavailable},
};

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

/// Problem: a fault of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Position in the input, from the argument's name inwards.
    pub path: Path,
    pub code: ProblemCode,
    /// Sentence for a person.
    pub message: String,
    /// Position in a text with lines, such as a labelling config.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Response key of the root field, in requests with several root fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Position in a text: both numbers count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    pub line: u32,
    pub column: u32,
}

/// Kind of a problem. Stable for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProblemCode {
    /// Null for a field that can be omitted but not cleared.
    NullNotAllowed,
    /// Missing required value.
    Required,
    /// Value of another type than expected.
    WrongType,
    /// Field that the input type does not have.
    UnknownField,
    /// Integer beyond 64 bits, or a number that overflows a double.
    NumberOutOfRange,
    /// Number outside the field's range.
    OutOfBounds,
    /// Text that can't be stored: contains a lone surrogate or a NUL character.
    InvalidText,
    /// Object key reserved for internal use.
    ReservedKey,
    /// JSON nested too deeply to store, or filters nested too deeply.
    TooDeep,
    /// Text or list that is too long to store, or for a filter.
    TooLong,
    /// Blank text where text is required, or text in a wrong format.
    InvalidFormat,
    /// Id of an object that does not exist, or that the caller may not see.
    UnknownId,
    /// Version that the annotation never had, or that the caller may not see.
    UnknownVersion,
    /// Project other than the task's project.
    ProjectMismatch,
    /// Parent that belongs to another task.
    TaskMismatch,
    /// Value that must be unique and is in use.
    AlreadyTaken,
    /// Item that names the same object as another item of the list.
    Repeated,
    /// Labelling config that is not XML, or that is inconsistent.
    InvalidConfig,
    /// Region without a key that its type requires.
    MissingField,
    /// Region of a control that the labelling config does not have.
    UnknownControl,
    /// Region of an object that the labelling config does not have, or that the control does not refer to.
    UnknownObject,
    /// Region whose type differs from the control's.
    WrongRegionType,
    /// Label or choice that the control does not offer.
    UnknownLabel,
    /// Text outside of the field's closed set of values.
    UnknownValue,
    /// End of a relation that is no region of the same result.
    UnknownRegion,
    /// More values or regions than the control allows, or more active tokens than a user may have.
    TooMany,
    /// Stored result that does not fit the labelling config it would come under.
    UnfitResult,
    /// Deleted annotation whose history is too incomplete to restore.
    NotRestorable,
    /// Deletion of a review that the caller never gave.
    NotReviewed,
    /// Change that would leave the server without an admin.
    LastAdmin,
    /// Field that excludes another field of the input.
    NotTogether,
}

/// Position in an input, such as `["input", "result", 3, "value", "x"]`.
pub type Path = Vec<Segment>;

impl fmt::Display for ProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

/// Segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// Maximum characters of a key in a path: a thousand problems may lie below a single key of megabytes.
pub const MAX_KEY: usize = 200;

impl From<&str> for Segment {
    /// Converts a key. Truncates keys beyond [`MAX_KEY`] with an ellipsis.
    fn from(key: &str) -> Self {
        Self::Key(match key.char_indices().nth(MAX_KEY) {
            Some((end, _)) => format!("{}…", &key[..end]),
            None => key.to_owned(),
        })
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

impl Problem {
    pub fn new(
        path: impl IntoIterator<Item = impl Into<Segment>>,
        code: ProblemCode,
        message: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into_iter().map(Into::into).collect(),
            code,
            message: message.into(),
            location: None,
            field: None,
        }
    }

    /// Adds the position in the text that the path leads to.
    pub fn in_text(self, location: Location) -> Self {
        Self {
            location: Some(location),
            ..self
        }
    }

    /// Assigns the problem to a root field.
    pub fn of(self, field: Option<String>) -> Self {
        Self { field, ..self }
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

/// Path for people: `input.result.3.value.x`.
pub fn dotted(path: &[Segment]) -> String {
    path.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_cut_in_paths() {
        let longest = "é".repeat(MAX_KEY);
        assert_eq!(Segment::from(&*longest).to_string(), longest);
        let longer = "é".repeat(1 << 20);
        assert_eq!(Segment::from(&*longer).to_string(), format!("{longest}…"));
    }
}
