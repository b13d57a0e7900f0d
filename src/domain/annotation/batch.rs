//! Many annotations in one request: one transaction, and for every hundred of them a fixed number of
//! statements.

mod create;
mod delete;
mod update;

use entity::annotation;

pub use self::{create::create, delete::delete, update::update};
use crate::{
    db::WriteTxn,
    error::{Error, Problem, ProblemCode, Result, Segment},
};

/// The most items of one request.
pub const MAX_ITEMS: usize = 1_000;
/// Items that are judged and written together.
const CHUNK: usize = 100;
/// Problems that are told of one request; of each item one more.
const MAX_PROBLEMS: usize = 1_000;
/// What an id stands for that can't be one.
const NOWHERE: i64 = 0;

/// What becomes of a request of which some items are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Nothing is written.
    RejectAll,
    /// The others are written.
    RejectFailed,
}

/// What became of each item, in the order of the items. `None`: nothing is wrong with it, but it was not
/// written, for another one was refused.
pub type Outcomes<T> = Vec<Result<Option<T>>>;

/// The outcomes of a request, as far as they are known.
struct Progress<T> {
    policy: ErrorPolicy,
    outcomes: Vec<Option<Result<T>>>,
    is_refused: bool,
    /// Problems that may still be told.
    problem_budget: usize,
}

impl<T> Progress<T> {
    fn new(policy: ErrorPolicy, count: usize) -> Result<Self> {
        if count > MAX_ITEMS {
            let message = format!("one call takes at most {MAX_ITEMS} items");
            return Err(Problem::new(["items"], ProblemCode::TooLong, message).into());
        }
        Ok(Self {
            policy,
            outcomes: (0..count).map(|_| None).collect(),
            is_refused: false,
            problem_budget: MAX_PROBLEMS,
        })
    }

    /// Records the outcome of an item. Its problems get their place among the items.
    fn record(&mut self, index: usize, outcome: Result<T>) {
        self.is_refused |= outcome.is_err();
        self.outcomes[index] = Some(outcome.map_err(|error| match error {
            Error::BadInput(mut problems) => {
                problems.truncate(self.problem_budget.max(1));
                self.problem_budget = self.problem_budget.saturating_sub(problems.len());
                for problem in &mut problems {
                    let place = [Segment::from("items"), Segment::from(index)];
                    problem.path.splice(0..0, place);
                }
                Error::BadInput(problems)
            }
            error => error,
        }));
    }

    /// Nothing that is judged from now on will be written.
    fn will_roll_back(&self) -> bool {
        self.is_refused && self.policy == ErrorPolicy::RejectAll
    }

    /// What came of items that were not refused, so far.
    fn accepted(&mut self) -> impl Iterator<Item = &mut T> {
        self.outcomes.iter_mut().flatten().flatten()
    }

    /// Ends the transaction, and with it the request.
    async fn conclude(self, txn: Option<WriteTxn>) -> Result<Outcomes<T>> {
        let will_roll_back = self.will_roll_back();
        match txn {
            Some(txn) if will_roll_back => txn.rollback().await?,
            Some(txn) => txn.commit().await?,
            None => {}
        }
        let outcomes = self.outcomes.into_iter().map(|outcome| match outcome {
            Some(Ok(_)) if will_roll_back => Ok(None),
            Some(outcome) => outcome.map(Some),
            None => Ok(None),
        });
        Ok(outcomes.collect())
    }
}

/// The problem of an item that names what another one before it names.
fn repeated(field: &[&str], noun: &str) -> Problem {
    let message = format!("another item names this {noun} already");
    Problem::new(field.iter().copied(), ProblemCode::Repeated, message)
}

/// All problems of an item's input, with one more.
fn with_problem<T>(checked: Result<T>, more: Option<Problem>) -> Result<T> {
    match (checked, more) {
        (checked, None) => checked,
        (Err(Error::BadInput(mut problems)), Some(problem)) => {
            problems.push(problem);
            Err(Error::BadInput(problems))
        }
        (_, Some(problem)) => Err(problem.into()),
    }
}

/// A row for the answer: large results are read when they are asked for.
fn without_result(row: annotation::Model) -> annotation::Model {
    annotation::Model {
        result: String::new(),
        ..row
    }
}

/// An error that is about the request as a whole, not about one item.
fn is_fatal(error: &Error) -> bool {
    matches!(error, Error::Internal(_) | Error::Unavailable(_))
}
