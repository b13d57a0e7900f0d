//! State of an operation: charged bytes, interrupt and futures.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use futures_util::{
    Stream,
    future::{BoxFuture, poll_fn},
    stream::FuturesUnordered,
};
use interrupt::Interrupt;

use super::{SMALL, Stopped};

/// Kinds of threads that poll operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Threads of the runtime, which answer requests.
    Answering,
    /// Worker threads.
    Apart,
}

/// State that the futures of an operation share.
pub struct Operation {
    user_id: i64,
    interrupt: Arc<Interrupt>,
    charged: AtomicUsize,
    /// Reason for which there is no outcome.
    stopped: OnceLock<Stopped>,
    /// Spawned futures that were not polled yet.
    spawned: Mutex<Vec<BoxFuture<'static, ()>>>,
}

thread_local! {
    /// Operation that this thread polls, and the kind of the thread.
    static CURRENT: RefCell<Option<(Arc<Operation>, Lane)>> = const { RefCell::new(None) };
}

/// Charges bytes to the current operation before computing over them. Above [`SMALL`] in sum, suspends the caller
/// until a worker polls the operation. No-op outside of operations: commands answer no other requests.
pub async fn charge(bytes: usize) {
    if let Some((operation, _)) = current() {
        operation.charge(bytes);
    }
    poll_fn(|context| {
        let Some((operation, lane)) = current() else {
            return Poll::Ready(());
        };
        if operation.lane() == lane {
            return Poll::Ready(());
        }
        // The driver moves the operation after this poll, and polls again on the other lane.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Spawns a future into the current operation, with the same lane and end. Outside of operations spawns a task.
pub fn spawn(future: BoxFuture<'static, ()>) {
    match current() {
        Some((operation, _)) => operation.spawned().push(future),
        None => drop(tokio::spawn(future)),
    }
}

fn current() -> Option<(Arc<Operation>, Lane)> {
    CURRENT.with_borrow(Clone::clone)
}

impl Operation {
    /// Creates an operation of a user. `bytes` is the size of its data known so far; without a deadline it runs until
    /// it ends.
    pub fn new(user_id: i64, deadline: Option<Instant>, bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            user_id,
            interrupt: Arc::new(Interrupt::new(deadline)),
            charged: AtomicUsize::new(bytes),
            stopped: OnceLock::new(),
            spawned: Mutex::default(),
        })
    }

    /// Id of the user whose share of the threads the operation takes.
    pub fn user_id(&self) -> i64 {
        self.user_id
    }

    /// Kind of threads that the operation has to run on.
    pub fn lane(&self) -> Lane {
        match self.charged.load(Ordering::Relaxed) > SMALL {
            true => Lane::Apart,
            false => Lane::Answering,
        }
    }

    /// Guard that interrupts the operation on drop.
    pub fn interrupting(self: &Arc<Self>) -> impl Drop + use<> {
        struct Interrupting(Arc<Interrupt>);
        impl Drop for Interrupting {
            fn drop(&mut self) {
                self.0.set();
            }
        }
        Interrupting(self.interrupt.clone())
    }

    /// Records why there will be no outcome.
    pub fn stop(&self, stopped: Stopped) {
        let _ = self.stopped.set(stopped);
    }

    /// Reason why the operation ended early; `Failed` when none was recorded.
    pub fn stopped(&self) -> Stopped {
        self.stopped.get().copied().unwrap_or(Stopped::Failed)
    }

    fn charge(&self, bytes: usize) {
        // Saturates: estimates of costs may be as large as `usize::MAX`.
        let add = |charged: usize| Some(charged.saturating_add(bytes));
        let _ = self
            .charged
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    fn spawned(&self) -> std::sync::MutexGuard<'_, Vec<BoxFuture<'static, ()>>> {
        self.spawned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes this the current operation of the thread during `work`.
    fn scope<T>(self: &Arc<Self>, lane: Lane, work: impl FnOnce() -> T) -> T {
        /// Restores the outer operation, also when `work` unwinds.
        struct Restore(Option<(Arc<Operation>, Lane)>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some((self.clone(), lane))));
        self.interrupt.scope(work)
    }
}

/// Polls all futures of an operation on a single thread, never two at once. A loader's batch therefore runs after
/// every ready resolver has requested its rows, and no future waits for the loader's locks.
pub struct Driver {
    futures: FuturesUnordered<BoxFuture<'static, bool>>,
}

impl Driver {
    /// Creates a driver with the operation's first future.
    pub fn new(work: BoxFuture<'static, ()>) -> Self {
        let futures = FuturesUnordered::new();
        futures.push(tagged(work, true));
        Self { futures }
    }

    /// Ready once the operation's first future is ready; drops spawned futures then.
    pub fn poll(
        &mut self,
        operation: &Arc<Operation>,
        lane: Lane,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        operation.scope(lane, || {
            loop {
                let polled = Pin::new(&mut self.futures).poll_next(context);
                // Polling may spawn: new futures join before the result is evaluated, or they would wait for the next
                // wake-up.
                let spawned = std::mem::take(&mut *operation.spawned());
                let has_more = !spawned.is_empty();
                self.futures
                    .extend(spawned.into_iter().map(|work| tagged(work, false)));
                match polled {
                    Poll::Ready(Some(true) | None) => {
                        self.futures.clear();
                        return Poll::Ready(());
                    }
                    // Returns on a changed lane even with new futures: they must not run on this thread.
                    Poll::Pending if !has_more || operation.lane() != lane => {
                        return Poll::Pending;
                    }
                    Poll::Ready(Some(false)) | Poll::Pending => {}
                }
            }
        })
    }
}

/// Future that returns whether it is the operation's first.
fn tagged(work: BoxFuture<'static, ()>, is_first: bool) -> BoxFuture<'static, bool> {
    Box::pin(async move {
        work.await;
        is_first
    })
}
