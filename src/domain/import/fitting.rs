//! Whether the results of a file fit the labelling config of the project that they come into.

use super::{
    Misfits, item,
    problems::{Notes, Problems},
};
use crate::{domain::labelling::Rules, error::Segment};

/// What results have to fit, and what becomes of those that do not.
pub struct Fitting {
    pub rules: Rules,
    pub misfits: Misfits,
}

impl Fitting {
    /// Looks at the annotations and predictions of a task. Drafts are unfinished, and may be anything.
    pub fn look_at(&self, task: &item::Task, problems: &mut Problems, notes: &mut Notes) {
        if self.misfits == Misfits::Ignore {
            return;
        }
        let annotations = task.annotations.iter().map(|annotation| {
            let place = (annotation.list, annotation.index);
            (place, &annotation.result, annotation.was_cancelled)
        });
        let predictions = task.predictions.iter().map(|prediction| {
            // A model need not answer everything that is asked of people.
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
