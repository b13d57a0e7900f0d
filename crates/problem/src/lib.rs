//! What is wrong with an input: a code for programs, a sentence for people, the path to the value, and the place in
//! a text with lines.

#![warn(missing_docs)]

mod line_index;

use std::fmt;

use serde::Serialize;

pub use self::line_index::LineIndex;

/// One thing that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it is, from the argument's name inwards.
    pub path: Path,
    /// Kind of the problem, for programs.
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
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
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
    /// Key of an object, or name of an argument or field.
    Key(String),
    /// Index in a list, from 0.
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
    /// A problem without a location and a root field.
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
