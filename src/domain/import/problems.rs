//! Problems and notes of an import, bounded for files of any size.

use crate::error::{Location, Path, Problem, ProblemCode, Segment};

/// Maximum number of each that is reported in full; the rest is counted.
const MAX_TOLD: usize = 1_000;

/// Position of an item in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index from 0.
    pub index: usize,
    /// Start of the item, in a file of consecutive objects.
    pub location: Option<Location>,
}

impl Place {
    /// Builds the path of a part of the item.
    pub fn path(self, within: impl IntoIterator<Item = Segment>) -> Path {
        std::iter::once(self.index.into()).chain(within).collect()
    }

    /// Builds a problem of the whole item.
    pub fn problem(self, code: ProblemCode, message: impl Into<String>) -> Problem {
        self.locate(Problem::new([self.index], code, message))
    }

    /// Adds the item's location to a problem.
    pub fn locate(self, problem: Problem) -> Problem {
        Problem {
            location: problem.location.or(self.location),
            ..problem
        }
    }
}

/// Problems of a file; a file with problems is not imported at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    pub told: Vec<Problem>,
    /// Number of further problems.
    pub more: usize,
}

impl Problems {
    /// Adds a problem; beyond the bound it is only counted.
    pub fn push(&mut self, problem: Problem) {
        if self.told.len() < MAX_TOLD {
            self.told.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Appends all problems of a second list.
    pub fn append(&mut self, other: Self) {
        self.more += other.more;
        for problem in other.told {
            self.push(problem);
        }
    }

    /// Says whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Number of problems, those beyond the bound included.
    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }
}

/// Notes of an import, each with its position in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    pub told: Vec<Note>,
    /// Number of further notes.
    pub more: usize,
}

/// Change made by the import, misfit with the labelling config, or lenient reading.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// Path from the item's index inwards.
    pub path: Path,
    /// Kind of misfit, or `None` for a change or a lenient reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ProblemCode>,
    /// Message for a person.
    pub message: String,
    /// Start of the item, in a file of consecutive objects.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl Notes {
    /// Number of notes, those beyond the bound included.
    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// Notes a change of an item.
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

    /// Notes a misfit.
    pub fn push_problem(&mut self, problem: Problem) {
        self.push_note(Note {
            path: problem.path,
            code: Some(problem.code),
            message: problem.message,
            location: problem.location,
        });
    }

    /// Appends all notes of a second list.
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
