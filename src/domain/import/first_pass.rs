//! First pass over a file: checks everything, and collects counts, people and parents before any write.

use std::io::{self, Read, Seek};

use super::{
    item,
    parents::Wanted,
    people::People,
    problems::{Notes, Place, Problems},
    reader::{Fault, Reader},
    result_check::ResultCheck,
};

/// Contents of a file without problems.
#[derive(Debug, Default)]
pub struct FirstPass {
    pub counts: Counts,
    pub people: People,
    pub wanted: Wanted,
    /// Notes on lenient readings: `completions`, times without an offset, misspelt keys.
    pub readings: Notes,
    /// Misfits with the labelling config.
    pub misfits: Notes,
}

/// Numbers of rows in a file.
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
    /// Counts a task and its annotations, predictions and drafts.
    pub fn add(&mut self, task: &item::Task) {
        self.tasks += 1;
        self.annotations += task.annotations.len();
        self.predictions += task.predictions.len();
        self.drafts += task.drafts.len();
    }
}

/// Reads the whole file. Reports the bytes read to `observe` after each item.
pub fn read_first_pass(
    source: &mut (impl Read + Seek),
    result_check: Option<&ResultCheck>,
    mut observe: impl FnMut(u64),
) -> io::Result<Result<FirstPass, Problems>> {
    source.rewind()?;
    let mut reader = Reader::new(source);
    let mut first_pass = FirstPass::default();
    let mut problems = Problems::default();
    let mut text = Vec::new();
    for index in 0.. {
        match reader.next(&mut text) {
            Ok(true) => {}
            Ok(false) => break,
            Err(Fault::Io(error)) => return Err(error),
            Err(Fault::Text(code, message)) => {
                // A fault of the text ends the pass: the start of the next item is unknown.
                let location = reader.location();
                problems.push(Place { index, location }.problem(code, message));
                break;
            }
        }
        let location = reader.location();
        let place = Place { index, location };
        if let Some(task) = item::parse(place, &text, &mut problems, &mut first_pass.readings) {
            // Keeps counts, people and parents, and drops the task: a file can be larger than the memory.
            first_pass.counts.add(&task);
            if let Some(result_check) = result_check {
                result_check.run(&task, &mut problems, &mut first_pass.misfits);
            }
            for annotation in &task.annotations {
                first_pass.wanted.add(annotation);
            }
            for mention in task.mentions {
                first_pass.people.add(mention, &mut problems);
            }
        }
        observe(reader.position());
    }
    Ok(if problems.is_empty() {
        Ok(first_pass)
    } else {
        Err(problems)
    })
}
