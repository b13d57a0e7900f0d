//! What an import finds wrong or worth telling, bounded however large the file is.

use crate::error::{Path, Problem, ProblemCode};

/// How many of each are told; the rest is counted.
const MAX_TOLD: usize = 1_000;

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

/// Something that an import had to change, or that does not fit the labelling config.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// From the item's index inwards.
    pub path: Path,
    /// What does not fit; `None` for what was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ProblemCode>,
    /// A sentence for a person.
    pub message: String,
}

impl Notes {
    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }

    pub fn push(&mut self, path: Path, message: impl Into<String>) {
        self.push_note(Note {
            path,
            code: None,
            message: message.into(),
        });
    }

    /// Notes what does not fit.
    pub fn push_problem(&mut self, problem: Problem) {
        self.push_note(Note {
            path: problem.path,
            code: Some(problem.code),
            message: problem.message,
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
