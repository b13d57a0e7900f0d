//! The first reading of a file: everything in it is checked, and what has to be known before anything is
//! written is counted and collected.

use std::io::{self, Read, Seek};

use super::{
    fitting::Fitting,
    item,
    parents::Wanted,
    people::People,
    problems::{Notes, Place, Problems},
    reader::{Fault, Reader},
};

/// What a file that has no problems holds.
#[derive(Debug, Default)]
pub struct Survey {
    pub counts: Counts,
    pub people: People,
    pub wanted: Wanted,
    /// Lenient readings: `completions`, times without an offset, misspelt keys.
    pub readings: Notes,
    /// What does not fit the labelling config.
    pub misfits: Notes,
}

/// How much of what a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    #[serde(rename = "taskCount")]
    pub tasks: usize,
    #[serde(rename = "annotationCount")]
    pub annotations: usize,
    #[serde(rename = "predictionCount")]
    pub predictions: usize,
    #[serde(rename = "draftCount")]
    pub drafts: usize,
}

impl Counts {
    pub fn add(&mut self, task: &item::Task) {
        self.tasks += 1;
        self.annotations += task.annotations.len();
        self.predictions += task.predictions.len();
        self.drafts += task.drafts.len();
    }
}

/// Reads the whole file. `observe` is told how many bytes are read, from time to time.
pub fn survey(
    source: &mut (impl Read + Seek),
    fitting: Option<&Fitting>,
    mut observe: impl FnMut(u64),
) -> io::Result<Result<Survey, Problems>> {
    source.rewind()?;
    let mut reader = Reader::new(source);
    let mut survey = Survey::default();
    let mut problems = Problems::default();
    let mut text = Vec::new();
    for index in 0.. {
        match reader.next(&mut text) {
            Ok(true) => {}
            Ok(false) => break,
            Err(Fault::Io(error)) => return Err(error),
            Err(Fault::Text(code, message)) => {
                let location = reader.location();
                problems.push(Place { index, location }.problem(code, message));
                break;
            }
        }
        let location = reader.location();
        let place = Place { index, location };
        if let Some(task) = item::parse(place, &text, &mut problems, &mut survey.readings) {
            survey.counts.add(&task);
            if let Some(fitting) = fitting {
                fitting.look_at(&task, &mut problems, &mut survey.misfits);
            }
            for annotation in &task.annotations {
                survey.wanted.add(annotation);
            }
            for mention in task.mentions {
                survey.people.add(mention, &mut problems);
            }
        }
        observe(reader.position());
    }
    Ok(if problems.is_empty() {
        Ok(survey)
    } else {
        Err(problems)
    })
}
