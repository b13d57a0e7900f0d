//! Outcomes of commands, with the place of each problem in a batch.

use entity::{annotation, annotation_draft};

use crate::error::{Error, Problem, ProblemCode, Result, Segment};

/// The most commands of one request.
pub const MAX_ITEMS: usize = 1_000;
/// Problems that a request answers with. After that, each refused command has a single problem.
const MAX_PROBLEMS: usize = 1_000;

/// Treatment of a request.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// One command; a trial checks everything and writes nothing.
    Single { is_trial: bool },
    /// Many commands, each with an outcome of its own. Answers with rows without their results.
    Batch(ErrorPolicy),
}

/// Treatment of a batch of which some commands are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Nothing is written.
    RejectAll,
    /// Accepted commands are written.
    RejectFailed,
}

/// Outcome of each command, in the order of the commands. `None`: accepted, but not written because a further command
/// was refused.
pub type Outcomes<T> = Vec<Result<Option<T>>>;

/// Outcome of a command that was accepted.
#[derive(Debug)]
pub struct Done {
    /// The annotation as the command left it; a deleted one at the version of its deletion.
    pub annotation: annotation::Model,
    /// The draft that the annotation was converted to.
    pub draft: Option<annotation_draft::Model>,
}

/// Outcomes of a request, as far as they are known.
pub struct Progress {
    mode: Mode,
    outcomes: Vec<Option<Result<Done>>>,
    is_refused: bool,
    /// Problems that may still be answered with.
    problem_budget: usize,
}

impl Progress {
    pub fn new(mode: Mode, count: usize) -> Result<Self> {
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

    pub fn is_batch(&self) -> bool {
        matches!(self.mode, Mode::Batch(_))
    }

    pub fn is_trial(&self) -> bool {
        matches!(self.mode, Mode::Single { is_trial: true })
    }

    /// Nothing of the request is to be written.
    pub fn will_roll_back(&self) -> bool {
        match self.mode {
            Mode::Single { is_trial } => is_trial || self.is_refused,
            Mode::Batch(policy) => self.is_refused && policy == ErrorPolicy::RejectAll,
        }
    }

    /// Records that a command was refused. In a batch, its problems get the command's index.
    pub fn refuse(&mut self, index: usize, refusal: Error) {
        self.is_refused = true;
        let refusal = match refusal {
            Error::BadInput(mut problems) if self.is_batch() => {
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

    /// Records that a command was accepted, and the row that it leads to.
    pub fn accept(&mut self, index: usize, row: annotation::Model) {
        let done = Done {
            annotation: self.answered(row),
            draft: None,
        };
        self.outcomes[index] = Some(Ok(done));
    }

    /// Records the draft that an accepted command led to.
    pub fn add_draft(&mut self, index: usize, draft: annotation_draft::Model) {
        if let Some(Ok(done)) = &mut self.outcomes[index] {
            done.draft = Some(draft);
        }
    }

    /// Replaces rows of accepted commands that later commands changed.
    pub fn refresh<'r>(&mut self, newer: impl Fn(i64) -> Option<&'r annotation::Model>) {
        let is_batch = self.is_batch();
        for done in self.outcomes.iter_mut().flatten().flatten() {
            if let Some(row) = newer(done.annotation.id)
                && row.version > done.annotation.version
            {
                done.annotation = answered(is_batch, row.clone());
            }
        }
    }

    /// Outcomes in the order of the commands.
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

/// A row for the answer. Rows of a batch leave the result out: large ones are read when they are asked for.
fn answered(is_batch: bool, row: annotation::Model) -> annotation::Model {
    match is_batch {
        true => annotation::Model {
            result: String::new(),
            ..row
        },
        false => row,
    }
}
