//! Problems of an input: a code for programs, a sentence for people, the path to the value, and a location in a text
//! with lines.

#![warn(missing_docs)]

mod line_index;

use std::fmt;

use serde::Serialize;

pub use self::line_index::LineIndex;

/// Problem of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path to the value, from the name of the argument inwards.
    pub path: Path,
    /// Kind of the problem, for programs.
    pub code: ProblemCode,
    /// Sentence for people.
    pub message: String,
    /// Location in a text with lines, such as a labelling config.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Response key of the root field, in a GraphQL request with several root fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Location in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Kind of a problem. Codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProblemCode {
    /// `null` where a value can be left out but not cleared.
    NullNotAllowed,
    /// A required value is missing.
    Required,
    /// A value of the wrong type.
    WrongType,
    /// An unknown field of an input object.
    UnknownField,
    /// An integer beyond 64 bits, or a number that overflows a double.
    NumberOutOfRange,
    /// A number outside the range that the field allows.
    OutOfBounds,
    /// A text that can't be stored, because of a lone surrogate or a NUL character.
    InvalidText,
    /// An object key that is kept for internal use.
    ReservedKey,
    /// JSON or a filter beyond the nesting limit.
    TooDeep,
    /// A text or list longer than is stored, or than a filter takes.
    TooLong,
    /// A text that must not be blank, or that breaks the format that the field asks for.
    InvalidFormat,
    /// A reference to a missing object, or to an object hidden from the caller.
    UnknownId,
    /// A version that the annotation never had, or that the caller may not see.
    UnknownVersion,
    /// A project that differs from the project of the task.
    ProjectMismatch,
    /// A parent that belongs to a different task.
    TaskMismatch,
    /// A unique value that is in use already.
    AlreadyTaken,
    /// An item that repeats the name of an earlier item of the list.
    Repeated,
    /// A labelling config that is no XML, or that can't work.
    InvalidConfig,
    /// A region without a required key.
    MissingField,
    /// A region names a control that the labelling config does not have.
    UnknownControl,
    /// A region names an object that the labelling config does not have, or that the control does not label.
    UnknownObject,
    /// A region with a type that differs from the type of the control.
    WrongRegionType,
    /// A label or choice that the control does not offer.
    UnknownLabel,
    /// A text outside the values that the field allows.
    UnknownValue,
    /// An end of a relation without a region in the same result.
    UnknownRegion,
    /// More values or regions than the control takes, or more active tokens than a user may have.
    TooMany,
    /// A stored result that violates the new labelling config.
    UnfitResult,
    /// A deleted annotation that is too incomplete to restore.
    NotRestorable,
    /// A review to delete that the caller never gave.
    NotReviewed,
    /// A change that would leave the server without an admin.
    LastAdmin,
    /// Two fields of an input that exclude each other.
    NotTogether,
}

/// Path to a value of an input: `["input", "result", 3, "value", "x"]`.
pub type Path = Vec<Segment>;

impl fmt::Display for ProblemCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Serde writes the variant's renamed name, so that the text equals the code in JSON.
        self.serialize(formatter)
    }
}

/// Step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// Key of an object, or name of an argument or field.
    Key(String),
    /// Index in a list, from 0.
    Index(usize),
}

/// Most characters of a key in a path: a thousand problems may lie below a key of megabytes.
pub const MAX_KEY: usize = 200;

impl From<&str> for Segment {
    /// Makes a key. Cuts keys longer than [`MAX_KEY`] and ends them with an ellipsis.
    fn from(key: &str) -> Self {
        // Counts characters, not bytes: a cut inside a character would panic.
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

    /// Adds the location in the text that the path leads to.
    pub fn in_text(self, location: Location) -> Self {
        Self {
            location: Some(location),
            ..self
        }
    }

    /// Adds the root field.
    pub fn of(self, field: Option<String>) -> Self {
        Self { field, ..self }
    }
}

/// Formats a path for people: `input.result.3.value.x`.
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
