//! First pass over a file: checks everything, and collects counts, people and parents before any write.

use std::io::{Read, Seek};

use super::{
    Failure,
    chunks::{self, Item},
    item,
    parents::Wanted,
    people::People,
    person::Mention,
    problems::{Notes, Problems},
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
    pub fn of(task: &item::Task) -> Self {
        Self {
            tasks: 1,
            annotations: task.annotations.len(),
            predictions: task.predictions.len(),
            drafts: task.drafts.len(),
        }
    }

    /// Number of rows below tasks.
    pub fn children(&self) -> usize {
        self.annotations + self.predictions + self.drafts
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.annotations += other.annotations;
        self.predictions += other.predictions;
        self.drafts += other.drafts;
    }
}

/// Reads the whole file, and returns it with its contents or its problems. Reports the bytes read to `observe` after
/// each chunk.
pub async fn read_first_pass<R>(
    source: R,
    result_check: Option<ResultCheck>,
    mut observe: impl FnMut(u64),
) -> Result<(R, Result<FirstPass, Problems>), Failure>
where
    R: Read + Seek + Send + 'static,
{
    let check = move |items| CheckedChunk::of(items, result_check.as_ref());
    let mut chunks = chunks::read(source, chunks::processors(), check);
    let mut first_pass = FirstPass::default();
    let mut problems = Problems::default();
    while let Some(chunk) = chunks.next().await? {
        first_pass.add(chunk.prepared, &mut problems);
        observe(chunk.position);
    }
    let (source, fault) = chunks.end().await?;
    if let Some(fault) = fault {
        problems.push(fault);
    }
    let checked = match problems.is_empty() {
        true => Ok(first_pass),
        false => Err(problems),
    };
    Ok((source, checked))
}

impl FirstPass {
    /// Adds the next chunk of the file. Compares people with those of earlier items, so chunks go in one by one.
    fn add(&mut self, chunk: CheckedChunk, problems: &mut Problems) {
        self.counts += chunk.counts;
        self.wanted.append(chunk.wanted);
        self.readings.append(chunk.readings);
        self.misfits.append(chunk.misfits);
        for item in chunk.items {
            problems.append(item.problems);
            for mention in item.mentions {
                self.people.add(mention, problems);
            }
        }
    }
}

/// Chunk without its tasks: a file can be larger than the memory.
#[derive(Default)]
struct CheckedChunk {
    items: Vec<CheckedItem>,
    counts: Counts,
    wanted: Wanted,
    readings: Notes,
    misfits: Notes,
}

/// Problems of an item apart from further items, because problems of its people follow them.
struct CheckedItem {
    problems: Problems,
    mentions: Vec<Mention>,
}

impl CheckedChunk {
    fn of(items: Vec<Item>, result_check: Option<&ResultCheck>) -> Self {
        let mut chunk = Self::default();
        for Item { place, text, .. } in items {
            let mut problems = Problems::default();
            let task = item::parse(place, &text, &mut problems, &mut chunk.readings);
            let mut mentions = Vec::new();
            if let Some(task) = task {
                chunk.counts += Counts::of(&task);
                if let Some(result_check) = result_check {
                    result_check.run(&task, &mut problems, &mut chunk.misfits);
                }
                for annotation in &task.annotations {
                    chunk.wanted.add(annotation);
                }
                mentions = task.mentions;
            }
            chunk.items.push(CheckedItem { problems, mentions });
        }
        chunk
    }
}
