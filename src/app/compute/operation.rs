//! State of an operation: the bytes charged to it, its interrupt, and its futures.

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

use super::{SMALL, Stopped};
use crate::labelstudio::interrupt::Interrupt;

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
    /// Futures that were spawned and not polled yet.
    spawned: Mutex<Vec<BoxFuture<'static, ()>>>,
}

thread_local! {
    /// Operation that this thread polls, and the kind of the thread.
    static CURRENT: RefCell<Option<(Arc<Operation>, Lane)>> = const { RefCell::new(None) };
}

/// Charges bytes to the current operation before they are computed over. Above [`SMALL`] in sum, it suspends the caller
/// until a worker polls the operation. Outside of an operation it does nothing: commands answer no other requests.
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
        // Polled again right after the operation has moved.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Resets the charged bytes, for the next answer of a subscription.
pub fn renew() {
    if let Some((operation, _)) = current() {
        operation.charged.store(0, Ordering::Relaxed);
    }
}

/// Spawns a future into the current operation, whose lane and end it shares. Outside of an operation it becomes a
/// task.
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
    pub fn new(user_id: i64, deadline: Option<Instant>, bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            user_id,
            interrupt: Arc::new(Interrupt::new(deadline)),
            charged: AtomicUsize::new(bytes),
            stopped: OnceLock::new(),
            spawned: Mutex::default(),
        })
    }

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

    /// Guard that interrupts the operation when it is dropped.
    pub fn interrupting(self: &Arc<Self>) -> impl Drop + use<> {
        struct Interrupting(Arc<Interrupt>);
        impl Drop for Interrupting {
            fn drop(&mut self) {
                self.0.set();
            }
        }
        Interrupting(self.interrupt.clone())
    }

    /// Records the reason for which there will be no outcome.
    pub fn stop(&self, stopped: Stopped) {
        let _ = self.stopped.set(stopped);
    }

    pub fn stopped(&self) -> Stopped {
        self.stopped.get().copied().unwrap_or(Stopped::Failed)
    }

    fn charge(&self, bytes: usize) {
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

/// Polls all futures of an operation as one, never two at once: a loader's batch is read after every resolver that is
/// ready has asked for its rows, and nobody waits for the locks of the loader.
pub struct Driver {
    futures: FuturesUnordered<BoxFuture<'static, bool>>,
}

impl Driver {
    pub fn new(work: BoxFuture<'static, ()>) -> Self {
        let futures = FuturesUnordered::new();
        futures.push(tagged(work, true));
        Self { futures }
    }

    /// Ready once the operation's first future is; spawned futures are dropped then.
    pub fn poll(
        &mut self,
        operation: &Arc<Operation>,
        lane: Lane,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        operation.scope(lane, || {
            loop {
                let polled = Pin::new(&mut self.futures).poll_next(context);
                let spawned = std::mem::take(&mut *operation.spawned());
                let has_more = !spawned.is_empty();
                self.futures
                    .extend(spawned.into_iter().map(|work| tagged(work, false)));
                match polled {
                    Poll::Ready(Some(true) | None) => {
                        self.futures.clear();
                        return Poll::Ready(());
                    }
                    Poll::Pending if !has_more || operation.lane() != lane => {
                        return Poll::Pending;
                    }
                    Poll::Ready(Some(false)) | Poll::Pending => {}
                }
            }
        })
    }
}

/// Future that tells whether it is the operation's first.
fn tagged(work: BoxFuture<'static, ()>, is_first: bool) -> BoxFuture<'static, bool> {
    Box::pin(async move {
        work.await;
        is_first
    })
}
