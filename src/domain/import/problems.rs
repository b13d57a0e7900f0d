//! What an import finds wrong or worth telling, bounded however large the file is.

use crate::error::{Location, Path, Problem, ProblemCode, Segment};

/// How many of each are told; the rest is counted.
const MAX_TOLD: usize = 1_000;

/// An item of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counts from 0.
    pub index: usize,
    /// Where the item begins, in a file of objects that follow one another.
    pub location: Option<Location>,
}

impl Place {
    /// The path of something in the item.
    pub fn path(self, within: impl IntoIterator<Item = Segment>) -> Path {
        std::iter::once(self.index.into()).chain(within).collect()
    }

    /// A problem of the item as a whole.
    pub fn problem(self, code: ProblemCode, message: impl Into<String>) -> Problem {
        self.locate(Problem::new([self.index], code, message))
    }

    /// The same problem, with where the item begins.
    pub fn locate(self, problem: Problem) -> Problem {
        Problem {
            location: problem.location.or(self.location),
            ..problem
        }
    }
}

/// What is wrong with a file: nothing of it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    pub told: Vec<Problem>,
    /// Problems beyond those.
    pub more: usize,
}

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        if self.told.len() < MAX_TOLD {
            self.told.push(problem);
        } else {
            self.more += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }
}

/// What an import had to change or leave unfit, each with its place in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    pub told: Vec<Note>,
    /// Notes beyond those.
    pub more: usize,
}

/// Something that an import had to change, that does not fit the labelling config, or that was read leniently.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// From the item's index inwards.
    pub path: Path,
    /// What does not fit; `None` for what was changed or read leniently.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ProblemCode>,
    /// A sentence for a person.
    pub message: String,
    /// Where the item begins, in a file of objects that follow one another.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl Notes {
    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// Notes what was changed in an item.
    pub fn push(
        &mut self,
        place: Place,
        within: impl IntoIterator<Item = Segment>,
        message: impl Into<String>,
    ) {
        self.push_note(Note {
            path: place.path(within),
            code: None,
            message: message.into(),
            location: place.location,
        });
    }

    /// Notes what does not fit.
    pub fn push_problem(&mut self, problem: Problem) {
        self.push_note(Note {
            path: problem.path,
            code: Some(problem.code),
            message: problem.message,
            location: problem.location,
        });
    }

    /// Notes all of these, too.
    pub fn append(&mut self, other: Self) {
        self.more += other.more;
        for note in other.told {
            self.push_note(note);
        }
    }

    fn push_note(&mut self, note: Note) {
        if self.told.len() < MAX_TOLD {
            self.told.push(note);
        } else {
            self.more += 1;
        }
    }
}
