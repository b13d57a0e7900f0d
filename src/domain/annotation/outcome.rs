//! Outcomes of commands, with the position of each problem in a batch.

use std::collections::HashMap;

use entity::{annotation, annotation_draft};

use crate::error::{Error, Problem, ProblemCode, Result, Segment};

/// Maximum number of commands per request.
pub const MAX_ITEMS: usize = 1_000;
/// Problems that a request answers with. After that, each refused command has a single problem.
const MAX_PROBLEMS: usize = 1_000;

/// Treatment of a request.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// A single command; a trial checks everything and writes nothing.
    Single { is_trial: bool },
    /// Many commands, each with its own outcome. Returns rows without results.
    Batch(ErrorPolicy),
}

/// Treatment of a batch with refused commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Writes nothing.
    RejectAll,
    /// Accepted commands are written.
    RejectFailed,
}

/// Outcome of each command, in the order of the commands. `None`: accepted, but not written because a further command
/// was refused.
pub type Outcomes<T> = Vec<Result<Option<T>>>;

/// Outcome of an accepted command.
#[derive(Debug)]
pub struct Done {
    /// Annotation as the command left it; a deleted annotation at the version of its deletion, without its result.
    pub annotation: annotation::Model,
    /// Draft that the annotation was converted to.
    pub draft: Option<annotation_draft::Model>,
}

/// Outcomes of a request so far.
pub struct Progress {
    mode: Mode,
    outcomes: Vec<Option<Result<Done>>>,
    is_refused: bool,
    /// Number of problems that the answer can still hold.
    problem_budget: usize,
}

impl Progress {
    /// Creates the outcomes of a request with `count` commands. Refuses more than [`MAX_ITEMS`] with TOO_LONG.
    pub fn new(mode: Mode, count: usize) -> Result<Self> {
        // Bounds the time for which the request's transaction holds its locks.
        if count > MAX_ITEMS {
            let message = format!("one call takes at most {MAX_ITEMS} items");
            return Err(Problem::new(["items"], ProblemCode::TooLong, message).into());
        }
        Ok(Self {
            mode,
            outcomes: (0..count).map(|_| None).collect(),
            is_refused: false,
            problem_budget: MAX_PROBLEMS,
        })
    }

    /// Says whether the request is a batch, with an outcome for each command.
    pub fn is_batch(&self) -> bool {
        matches!(self.mode, Mode::Batch(_))
    }

    /// Says whether the request is a single command that is decided and then rolled back.
    pub fn is_trial(&self) -> bool {
        matches!(self.mode, Mode::Single { is_trial: true })
    }

    /// Says whether the request will write nothing.
    pub fn will_roll_back(&self) -> bool {
        match self.mode {
            Mode::Single { is_trial } => is_trial || self.is_refused,
            Mode::Batch(policy) => self.is_refused && policy == ErrorPolicy::RejectAll,
        }
    }

    /// Records a refused command. In a batch, its problems get the command's index.
    pub fn refuse(&mut self, index: usize, refusal: Error) {
        self.is_refused = true;
        let refusal = match refusal {
            Error::BadInput(mut problems) if self.is_batch() => {
                // Keeps at least a single problem per command: a refusal without a problem would be unexplained.
                problems.truncate(self.problem_budget.max(1));
                self.problem_budget = self.problem_budget.saturating_sub(problems.len());
                for problem in &mut problems {
                    let place = [Segment::from("items"), Segment::from(index)];
                    problem.path.splice(0..0, place);
                }
                Error::BadInput(problems)
            }
            refusal => refusal,
        };
        self.outcomes[index] = Some(Err(refusal));
    }

    /// Records an accepted command with its row.
    pub fn accept(&mut self, index: usize, row: annotation::Model) {
        let done = Done {
            annotation: self.answered(row),
            draft: None,
        };
        self.outcomes[index] = Some(Ok(done));
    }

    /// Records the draft of an accepted command.
    pub fn add_draft(&mut self, index: usize, draft: annotation_draft::Model) {
        if let Some(Ok(done)) = &mut self.outcomes[index] {
            done.draft = Some(draft);
        }
    }

    /// Replaces rows of accepted commands by the rows that a plan leaves: the plan kept their results, and later
    /// commands may have changed the rows.
    pub fn refresh(&mut self, rows: Vec<annotation::Model>) {
        let rows = rows.into_iter().map(|row| (row.id, row));
        let mut rows: HashMap<i64, annotation::Model> = rows.collect();
        let is_batch = self.is_batch();
        for done in self.outcomes.iter_mut().flatten().flatten() {
            if let Some(row) = rows.remove(&done.annotation.id) {
                done.annotation = answered(is_batch, row);
            }
        }
    }

    /// Returns the outcomes in the order of the commands.
    pub fn into_outcomes(self) -> Outcomes<Done> {
        let is_lost = self.will_roll_back() && !self.is_trial();
        let outcomes = self.outcomes.into_iter().map(|outcome| match outcome {
            Some(Ok(_)) if is_lost => Ok(None),
            Some(outcome) => outcome.map(Some),
            None => Ok(None),
        });
        outcomes.collect()
    }

    fn answered(&self, row: annotation::Model) -> annotation::Model {
        answered(self.is_batch(), row)
    }
}

/// Prepares a row for the answer. Rows of a batch leave out the result: large results are read on demand.
fn answered(is_batch: bool, row: annotation::Model) -> annotation::Model {
    match is_batch {
        true => annotation::Model {
            result: String::new(),
            ..row
        },
        false => row,
    }
}
