//! Second pass over a file: writes its rows in batches, each in its own transaction. While a batch is written, further
//! threads build the rows of the next.

use std::{
    io::{Read, Seek},
    sync::Arc,
    time::Instant,
};

use super::{
    Failure,
    batch::Import,
    chunks::{self, Item},
    first_pass::Counts,
    import_lock, item,
    parents::Parents,
    problems::{Notes, Problems},
    rows::Task,
};
use crate::app::App;

/// Limits of a batch; the item that reaches a limit ends the batch.
const BATCH_TASKS: usize = 1_000;
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// Writes a file that was checked before, and had these counts. Reports to `observe` how many tasks a batch had, and
/// the position reached in the file.
pub async fn write<R>(
    app: &App,
    import: &Arc<Import>,
    source: R,
    mut parents: Parents,
    expected: Counts,
    notes: &mut Notes,
    mut observe: impl FnMut(usize, u64),
) -> Result<(), Failure>
where
    R: Read + Seek + Send + 'static,
{
    import.read_config(app).await?;
    // Leaves a processor to the database: its writer takes longer than the preparation.
    let threads = chunks::processors().saturating_sub(1).max(1);
    let preparing = import.clone();
    let mut chunks = chunks::read(source, threads, move |items| prepare(&preparing, items));
    let mut counts = Counts::default();
    let mut batch = Batch::default();
    let mut read = 0;
    while let Some(chunk) = chunks.next().await? {
        for prepared in chunk.prepared {
            let Prepared {
                task,
                counts: more,
                bytes,
                position,
            } = prepared?;
            counts += more;
            batch.rows += more.children();
            batch.bytes += bytes;
            batch.tasks.push(task);
            if batch.is_full() {
                let tasks = std::mem::take(&mut batch).tasks;
                let written = tasks.len();
                let begun = Instant::now();
                import.write(app, tasks, &mut parents, notes).await?;
                observe(written, position);
                import_lock::yield_to_writers(app, begun).await;
            }
        }
        read = chunk.position;
    }
    let (_, fault) = chunks.end().await?;
    if fault.is_some() {
        return Err(Failure::Changed);
    }
    if !batch.tasks.is_empty() {
        let written = batch.tasks.len();
        let begun = Instant::now();
        import.write(app, batch.tasks, &mut parents, notes).await?;
        observe(written, read);
        import_lock::yield_to_writers(app, begun).await;
    }
    // Compares the totals too: a file that was replaced by a valid file would pass the checks per item.
    if counts != expected {
        return Err(Failure::Changed);
    }
    parents.settle(app, notes).await?;
    Ok(())
}

/// Tasks written together.
#[derive(Default)]
struct Batch {
    tasks: Vec<Task>,
    rows: usize,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.tasks.len() >= BATCH_TASKS || self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

/// Item that is ready to be written.
struct Prepared {
    task: Task,
    counts: Counts,
    bytes: usize,
    /// Bytes of the file up to the end of the item.
    position: u64,
}

/// Builds the rows of a chunk, up to the first item that differs from the check.
fn prepare(import: &Import, items: Vec<Item>) -> Vec<Result<Prepared, Failure>> {
    // The first pass has reported both.
    let (mut problems, mut readings) = (Problems::default(), Notes::default());
    let config = import.config();
    let mut prepared = Vec::with_capacity(items.len());
    for Item {
        place,
        text,
        position,
    } in items
    {
        let task = item::parse(place, &text, &mut problems, &mut readings);
        // The second pass sees an unknown person only if the file changed after the check.
        let task = task.filter(|task| {
            let mut sources = task.mentions.iter().map(|mention| &mention.source);
            sources.all(|source| import.users.contains_key(source))
        });
        let Some(task) = task else {
            prepared.push(Err(Failure::Changed));
            break;
        };
        prepared.push(Ok(Prepared {
            counts: Counts::of(&task),
            task: import.prepare(task, &config),
            bytes: text.len(),
            position,
        }));
    }
    prepared
}
