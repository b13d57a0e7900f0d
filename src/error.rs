//! What can go wrong, once for the whole program: every refusal has a code, a sentence, and where it
//! concerns the input, the path of each problem.

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

/// A refusal or a failure, as it travels from the domain to a client.
///
/// Cheap to clone, because one failed batch answers many fields.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The input itself is wrong. Holds every problem that was found, never none.
    #[error("{}", summary(.0))]
    BadInput(Vec<Problem>),
    /// The thing that the operation is about does not exist, or the caller may not know that it does.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The caller sees the thing but may not do this to it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The thing moved on since the caller saw it.
    #[error("{0}")]
    Conflict(Box<Conflict>),
    /// Nobody is signed in.
    #[error("sign in with an API token: `Authorization: Bearer <token>`")]
    Unauthenticated,
    /// A subscriber takes events more slowly than they come. The cursor leads on from where it is.
    #[error("events come faster than they are taken: subscribe again with `after`")]
    TooSlow { cursor: String },
    /// The answer would take more work than one answer may.
    #[error("{0}")]
    TooMuch(&'static str),
    /// The answer would hold more bytes than one answer may.
    #[error(
        "an answer holds at most {max} bytes: ask for smaller pages, for fewer lists at once, or without large fields such as `result`"
    )]
    AnswerTooLarge { max: u64 },
    /// The database or the server can't do it now; the same request may succeed later.
    #[error("{0}")]
    Unavailable(Unavailable),
    /// A fault of ours. Its text is for the log, never for a client.
    #[error("internal error")]
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

/// A lost race for one row.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// Kind of the object: `annotation`, `draft` and so on.
    pub of: &'static str,
    pub expected_version: Option<i32>,
    /// 0 when the object does not exist.
    pub current_version: i32,
    /// Fields of the refused change that others changed since the expected version; where there is no history
    /// that tells, those that are not as the change has them.
    pub clashing_fields: Vec<String>,
    /// Ids of the regions that both the refused change and others touched since. Of annotations alone.
    pub clashing_regions: Vec<String>,
    /// The object as it is now, JSON; `null` when it does not exist.
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

/// One thing that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it is, from the argument's name inwards.
    pub path: Path,
    pub code: ProblemCode,
    /// A sentence for a person.
    pub message: String,
    /// Where it is in a text with lines, such as a labelling config.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The root field of a GraphQL request, by its key in the answer, when the request has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A place in a text: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    pub line: u32,
    pub column: u32,
}

/// What kind of problem it is, stable for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProblemCode {
    /// `null` where a value can be left out but not cleared.
    NullNotAllowed,
    /// A value that has to be given is missing.
    Required,
    /// A value of another type than the one expected.
    WrongType,
    /// A field that the input does not have.
    UnknownField,
    /// An integer beyond 64 bits, or a number that overflows a double.
    NumberOutOfRange,
    /// A number outside the range that the field allows.
    OutOfBounds,
    /// A text that can't be stored: it holds a lone surrogate or a NUL character.
    InvalidText,
    /// An object key that is kept for internal use.
    ReservedKey,
    /// JSON nested deeper than is stored, or filters within one another deeper than a list takes.
    TooDeep,
    /// A text or list longer than is stored, or than a filter takes.
    TooLong,
    /// A text that must not be blank, or that breaks the format that the field asks for.
    InvalidFormat,
    /// A referenced thing that does not exist, or that the caller may not see.
    UnknownId,
    /// A version that the annotation never had, or that the caller may not see.
    UnknownVersion,
    /// A project that is not the project of the task.
    ProjectMismatch,
    /// A parent that belongs to another task.
    TaskMismatch,
    /// A value that has to be unique and is in use.
    AlreadyTaken,
    /// An item that names what another item of the same list names.
    Repeated,
    /// A labelling config that is no XML, or that can't work.
    InvalidConfig,
    /// A region lacks a key that its kind of region has.
    MissingField,
    /// A region names a control that the labelling config does not have.
    UnknownControl,
    /// A region names an object that the labelling config does not have, or that its control does not
    /// work on.
    UnknownObject,
    /// A region's type is not the one of its control.
    WrongRegionType,
    /// A label or choice that the control does not offer.
    UnknownLabel,
    /// A text that is none of the few that the field takes.
    UnknownValue,
    /// An end of a relation that is no region of the same result.
    UnknownRegion,
    /// More values or regions than the control takes, or more active tokens than a user may have.
    TooMany,
    /// The stored result does not fit the labelling config that it would come under.
    UnfitResult,
    /// A deleted annotation of which too little is left to bring it back.
    NotRestorable,
    /// A review to delete that the caller never gave.
    NotReviewed,
    /// What would leave nobody to administer the server.
    LastAdmin,
    /// A field that excludes another one that was sent.
    NotTogether,
}

/// A place in an input: `["input", "result", 3, "value", "x"]`.
pub type Path = Vec<Segment>;

impl fmt::Display for ProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// Characters of a key that a path keeps: a thousand problems may lie below one key of megabytes.
pub const MAX_KEY: usize = 200;

impl From<&str> for Segment {
    /// A key; what is longer than [`MAX_KEY`] is cut, with an ellipsis at its end.
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

    /// The problem with its place in the text that the path leads to.
    pub fn in_text(self, location: Location) -> Self {
        Self {
            location: Some(location),
            ..self
        }
    }

    /// The problem as one of a root field.
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
    /// Something else was faster, or too much is under way. Nothing was changed.
    pub fn busy() -> Self {
        Self::unavailable(Reason::Busy)
    }

    /// A failure that passes, before anything was changed.
    pub fn unavailable(reason: Reason) -> Self {
        Self::Unavailable(reason.into())
    }

    /// The failure with the outcome NOT_DONE, for a transaction that was taken back anyway.
    pub fn not_done(self) -> Self {
        match self {
            Self::Unavailable(failure) => Self::Unavailable(Unavailable {
                outcome: Outcome::NotDone,
                ..failure
            }),
            other => other,
        }
    }

    /// The failure of a commit. Its outcome is known only where the database itself refused it.
    pub fn of_commit(error: DbErr) -> Self {
        let is_refusal = unavailable::is_refusal(&error);
        match Self::from(error) {
            Self::Unavailable(failure) if !is_refusal => Self::Unavailable(failure.unknown()),
            other => other,
        }
    }
}

impl From<DbErr> for Error {
    /// The database's troubles are the client's to retry; all else is a fault of ours.
    fn from(error: DbErr) -> Self {
        match unavailable::reason(&error) {
            Some(reason) => Self::Unavailable(Unavailable::from(reason).because(error)),
            None => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<serde_json::Error> for Error {
    /// Only for JSON of our own: what clients send is checked before it is parsed.
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

/// A path for people: `input.result.3.value.x`.
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
