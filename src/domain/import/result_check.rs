//! Check of imported results against the project's labelling config.

use super::{
    Misfits, item,
    problems::{Notes, Problems},
};
use crate::{domain::labelling::Rules, error::Segment};

/// Rules for results, and the treatment of misfits.
pub struct ResultCheck {
    pub rules: Rules,
    pub misfits: Misfits,
}

impl ResultCheck {
    /// Checks the annotations and predictions of a task. Drafts are unfinished and not checked.
    pub fn run(&self, task: &item::Task, problems: &mut Problems, notes: &mut Notes) {
        if self.misfits == Misfits::Ignore {
            return;
        }
        let annotations = task.annotations.iter().map(|annotation| {
            let place = (annotation.list, annotation.index);
            (place, &annotation.result, annotation.was_cancelled)
        });
        let predictions = task.predictions.iter().map(|prediction| {
            // A prediction may leave required controls empty, like a cancelled annotation.
            (("predictions", prediction.index), &prediction.result, true)
        });
        for ((list, index), result, is_cancelled) in annotations.chain(predictions) {
            let within: [Segment; 3] = [list.into(), index.into(), "result".into()];
            let at = task.place.path(within);
            for problem in self.rules.check(result, &task.data, is_cancelled, &at) {
                let problem = task.place.locate(problem);
                match self.misfits {
                    Misfits::Refuse => problems.push(problem),
                    _ => notes.push_problem(problem),
                }
            }
        }
    }
}
