//! Reads a file in chunks of items, and prepares several chunks at once on threads of their own, ahead of their
//! consumer. The consumer receives the chunks in the order of the file.

use std::{
    io::{self, Read, Seek},
    sync::Arc,
    thread,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::{JoinError, JoinHandle, spawn_blocking},
};

use super::{
    Failure,
    problems::Place,
    reader::{Fault, Reader},
};
use crate::error::{Error, Problem};

/// Limits of a chunk; the item that reaches a limit ends the chunk. Smaller than a batch of rows, so that several
/// threads share the preparation of a batch.
const CHUNK_ITEMS: usize = 64;
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of the items that are read and not yet consumed, which bounds the memory: about two batches of rows. A larger
/// item is prepared alone.
const ROOM: usize = 8 << 20;
/// Bytes counted for an item besides its text: the fields of an empty item take memory, too.
const ITEM: usize = 512;
/// Number of chunks that fill the room, at least.
const QUEUE: usize = ROOM / (CHUNK_ITEMS * ITEM);

/// Item of a file.
pub struct Item {
    pub place: Place,
    pub text: Vec<u8>,
    /// Bytes of the file up to the end of the item.
    pub position: u64,
}

/// Prepared chunks of a file, in order. Reading ends when this is dropped.
pub struct Chunks<R, T> {
    queue: mpsc::Receiver<JoinHandle<Pending<T>>>,
    reading: JoinHandle<Result<(R, Option<Problem>), io::Error>>,
}

/// Prepared chunk.
pub struct Chunk<T> {
    pub prepared: T,
    /// Bytes of the file read up to the end of the chunk; of the last chunk, up to the end of the list.
    pub position: u64,
}

/// Prepared chunk that waits for the consumer, and keeps its room until then.
struct Pending<T> {
    chunk: Chunk<T>,
    _room: OwnedSemaphorePermit,
}

/// Number of processors, which threads share to prepare chunks.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Reads the file from its start. At most `threads` chunks are prepared at once: further threads would take the
/// processors from the consumer.
pub fn read<R, T>(
    mut source: R,
    threads: usize,
    prepare: impl Fn(Vec<Item>) -> T + Send + Sync + 'static,
) -> Chunks<R, T>
where
    R: Read + Seek + Send + 'static,
    T: Send + 'static,
{
    let (send, queue) = mpsc::channel(QUEUE);
    let reading = spawn_blocking(move || {
        source.rewind()?;
        let splitter = Splitter {
            runtime: Handle::current(),
            room: Arc::new(Semaphore::new(ROOM)),
            threads: Arc::new(Semaphore::new(threads)),
            prepare: Arc::new(prepare),
            send,
        };
        let problem = splitter.run(&mut source)?;
        Ok((source, problem))
    });
    Chunks { queue, reading }
}

impl<R, T> Chunks<R, T> {
    /// Waits for the next chunk; `None` at the end of the file, and where reading stopped early.
    pub async fn next(&mut self) -> Result<Option<Chunk<T>>, Error> {
        let Some(preparing) = self.queue.recv().await else {
            return Ok(None);
        };
        Ok(Some(preparing.await.map_err(panicked)?.chunk))
    }

    /// Returns the file once all chunks are consumed, and the fault of the text that ended reading early, if any.
    pub async fn end(self) -> Result<(R, Option<Problem>), Failure> {
        Ok(self.reading.await.map_err(panicked)??)
    }
}

fn panicked(error: JoinError) -> Error {
    Error::Internal(Arc::new(error))
}

/// Splits a file into chunks, and hands them to threads.
struct Splitter<F, T> {
    runtime: Handle,
    room: Arc<Semaphore>,
    threads: Arc<Semaphore>,
    prepare: Arc<F>,
    send: mpsc::Sender<JoinHandle<Pending<T>>>,
}

impl<F, T> Splitter<F, T>
where
    F: Fn(Vec<Item>) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    /// Reads all items. A fault of the text ends reading: the start of the next item is unknown.
    fn run(&self, source: impl Read) -> Result<Option<Problem>, io::Error> {
        let mut reader = Reader::new(source);
        let (mut text, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
        for index in 0.. {
            let next = reader.next(&mut text);
            let location = reader.location();
            let place = Place { index, location };
            let end = match next {
                Ok(true) => None,
                Ok(false) => Some(Ok(None)),
                Err(Fault::Io(error)) => Some(Err(error)),
                Err(Fault::Text(code, message)) => Some(Ok(Some(place.problem(code, message)))),
            };
            let position = reader.position();
            if let Some(end) = end {
                // Sends the rest before the end, so that the consumer meets both in the order of the file.
                self.send(items, bytes, position);
                return end;
            }
            bytes += text.len() + ITEM;
            let capacity = text.len().min(CHUNK_BYTES);
            let text = std::mem::replace(&mut text, Vec::with_capacity(capacity));
            items.push(Item {
                place,
                text,
                position,
            });
            if items.len() >= CHUNK_ITEMS || bytes >= CHUNK_BYTES {
                let is_wanted = self.send(std::mem::take(&mut items), bytes, position);
                bytes = 0;
                if !is_wanted {
                    break;
                }
            }
        }
        // The consumer stopped with an error, which it reports itself.
        Ok(None)
    }

    /// Prepares a chunk on a separate thread, once there is room. Says whether the consumer still waits for chunks.
    fn send(&self, items: Vec<Item>, bytes: usize, position: u64) -> bool {
        let room = self.acquire(&self.room, bytes.min(ROOM));
        let thread = self.acquire(&self.threads, 1);
        let prepare = self.prepare.clone();
        let preparing = self.runtime.spawn_blocking(move || {
            let prepared = prepare(items);
            drop(thread);
            Pending {
                chunk: Chunk { prepared, position },
                _room: room,
            }
        });
        self.send.blocking_send(preparing).is_ok()
    }

    fn acquire(&self, semaphore: &Arc<Semaphore>, count: usize) -> OwnedSemaphorePermit {
        let count = u32::try_from(count).expect("the room has fewer than 4 GiB");
        let permit = semaphore.clone().acquire_many_owned(count);
        let permit = self.runtime.block_on(permit);
        permit.expect("the semaphore is never closed")
    }
}
