//! Computation over client-sized data, apart from threads that answer requests.
//!
//! An operation starts on the threads that answer requests, and charges bytes before it computes over them
//! ([`charge`]). Above [`SMALL`] in sum, the operation as a whole moves to worker threads of lower priority. The
//! operating system shares the processors between both kinds of threads, so that no computation, however long, delays
//! a small request.
//!
//! Workers serve users in turn: many large requests of a user delay other users by a single turn at most. Loops end
//! by unwinding when the operation is interrupted: at the deadline, or when its future is dropped because the client
//! left.
//!
//! Decision: docs/decisions/0021-computing.md.

mod operation;
mod queue;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Instant,
};

use futures_util::FutureExt;
use interrupt::Interrupted;
use tokio::{runtime::Handle, sync::oneshot};

use self::{
    operation::{Driver, Lane, Operation},
    queue::Queue,
};

pub use self::operation::{charge, spawn};

/// Bytes of JSON that an operation computes over on the answering threads, in about a millisecond.
pub const SMALL: usize = 64 << 10;
/// Bytes of text that copy in the time that a byte takes to parse.
pub const COPIED: usize = 16;

/// Worker threads of a running program. Cheap to clone. Workers start with the first large operations and end when
/// the last clone is dropped.
#[derive(Clone)]
pub struct Compute {
    queue: Arc<Queue>,
    _closing: Arc<CloseOnDrop>,
}

struct CloseOnDrop(Arc<Queue>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reason for which an operation has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The deadline has passed.
    Interrupted,
    /// Panic, or end of the program.
    Failed,
}

impl Default for Compute {
    /// Twice as many workers as processors; half of them at most for a single user.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(processors)
    }
}

impl Compute {
    /// Creates at most `per_user` workers per user at once, and twice as many in total.
    pub fn new(per_user: usize) -> Self {
        let queue = Arc::new(Queue::new(per_user));
        Self {
            _closing: Arc::new(CloseOnDrop(queue.clone())),
            queue,
        }
    }

    /// Runs an operation of a user over `bytes` of input, from now on. Dropping the future ends the operation.
    pub fn run<T, W>(
        &self,
        user_id: i64,
        deadline: Option<Instant>,
        bytes: usize,
        work: W,
    ) -> impl Future<Output = Result<T, Stopped>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        let (mut sender, receiver) = oneshot::channel();
        let operation = Operation::new(user_id, deadline, bytes);
        let interrupting = operation.interrupting();
        let running = operation.clone();
        let work = async move {
            let outcome = tokio::select! {
                // The outcome first: a result that is ready counts even when the receiver has just left.
                biased;
                outcome = AssertUnwindSafe(work).catch_unwind() => outcome,
                // The receiver is gone: drops everything that the operation holds.
                () = sender.closed() => return,
            };
            match outcome {
                Ok(outcome) => drop(sender.send(outcome)),
                // Recorded before the sender drops: the receiver reads the reason as soon as the channel is closed.
                Err(payload) => running.stop(stopped(payload.as_ref())),
            }
        };
        let stage = Stage {
            lane: operation.lane(),
            driver: Some(Driver::new(Box::pin(work))),
            operation: operation.clone(),
            queue: Arc::downgrade(&self.queue),
            runtime: Handle::current(),
        };
        stage.start();
        async move {
            let _interrupting = interrupting;
            receiver.await.map_err(|_| operation.stopped())
        }
    }
}

/// Converts a panic's payload; logs panics that are no interrupts.
fn stopped(payload: &(dyn Any + Send)) -> Stopped {
    if payload.is::<Interrupted>() {
        return Stopped::Interrupted;
    }
    let message = payload.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| payload.downcast_ref::<&str>().copied());
    tracing::error!(message, "an operation ended in a panic");
    Stopped::Failed
}

/// Task that polls an operation on a single lane. When the operation changes its lane, the task ends and another
/// takes over the futures.
struct Stage {
    lane: Lane,
    operation: Arc<Operation>,
    /// `None` once the operation has moved or ended.
    driver: Option<Driver>,
    queue: Weak<Queue>,
    runtime: Handle,
}

impl Stage {
    fn start(self) {
        let (runtime, queue) = (self.runtime.clone(), self.queue.clone());
        match self.lane {
            Lane::Answering => drop(runtime.spawn(self)),
            Lane::Apart => {
                let user_id = self.operation.user_id();
                // The queue is gone at the end of the program: drops the operation.
                let schedule = move |turn| {
                    if let Some(queue) = queue.upgrade() {
                        queue.push(user_id, turn);
                    }
                };
                let (turn, task) = async_task::spawn(self, schedule);
                task.detach();
                turn.schedule();
            }
        }
    }

    /// Task for the other lane, if the operation has changed its lane.
    fn moved(&mut self) -> Option<Self> {
        let lane = self.operation.lane();
        let driver = (lane != self.lane).then(|| self.driver.take()).flatten()?;
        Some(Self {
            lane,
            operation: self.operation.clone(),
            driver: Some(driver),
            queue: self.queue.clone(),
            runtime: self.runtime.clone(),
        })
    }
}

impl Future for Stage {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let stage = &mut *self;
        let Some(driver) = &mut stage.driver else {
            return Poll::Ready(());
        };
        // Workers aren't threads of the runtime, but the operation uses its timers, sockets and tasks.
        let _runtime = stage.runtime.enter();
        let poll = || driver.poll(&stage.operation, stage.lane, context);
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => match stage.moved() {
                Some(next) => {
                    next.start();
                    Poll::Ready(())
                }
                None => Poll::Pending,
            },
            ended => {
                if let Err(payload) = ended {
                    stage.operation.stop(stopped(payload.as_ref()));
                }
                // Drops the futures on this thread: large values take long to free.
                stage.driver = None;
                Poll::Ready(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
