//! Domain: rules and transactions, a module per noun.

pub mod access;
pub mod agreement;
pub mod annotation;
pub mod draft;
pub mod event;
pub mod export;
pub mod filter;
pub mod history;
pub mod idempotency;
pub mod import;
pub mod labelling;
pub mod page;
pub mod prediction;
pub mod project;
pub mod review;
pub mod sweep;
pub mod task;
pub mod token;
pub mod user;
pub mod version;

mod bulk;
mod large;
mod merged;

use crate::error::{Problem, ProblemCode};

/// Field of a change, which distinguishes absent from null.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Patch<T> {
    /// Absent: keeps the current value.
    #[default]
    Keep,
    /// Sent as `null`.
    Null,
    Set(T),
}

impl<T> Patch<T> {
    /// Says whether the request has the field, null included.
    pub fn is_sent(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// Says whether the request has the field as null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Value of the field; `None` when absent or null.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Null => None,
        }
    }

    /// Converts a value; absent and null stay as they are.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Null => Patch::Null,
            Self::Set(value) => Patch::Set(convert(value)),
        }
    }

    /// Value, or the type's default for absent and null.
    pub fn or_default(self) -> T
    where
        T: Default,
    {
        match self {
            Self::Set(value) => value,
            Self::Keep | Self::Null => T::default(),
        }
    }
}

/// Problem of a null for a field that can be omitted but not cleared.
fn not_cleared(path: &[&str]) -> Problem {
    Problem::new(
        path.iter().copied(),
        ProblemCode::NullNotAllowed,
        "this can't be cleared: leave it out to keep it as it is",
    )
}
