//! Shares of the connections: bound on the statements of a user at once.
//!
//! Decision: docs/decisions/0022-shares.md.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::runtime::Handle;

use crate::fair::{FairSemaphore, Permit};

/// User on whose behalf a request reads and writes.
pub(super) struct User {
    id: i64,
    /// Number of open writes of the request.
    writes: AtomicUsize,
}

impl User {
    /// Creates the record of a user without a write under way.
    pub fn new(id: i64) -> Arc<Self> {
        let writes = AtomicUsize::new(0);
        Arc::new(Self { id, writes })
    }

    /// Whether a statement needs a permit. Inside a write it needs none: the permit of the write covers the request. A
    /// second permit could deadlock writes that all wait for one.
    fn needs_permit(&self) -> bool {
        self.writes.load(Ordering::Relaxed) == 0
    }
}

/// Permits for the connections of a database. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shares {
    connections: FairSemaphore,
    /// Acquired before a permit for a connection. Fewer, so that counts leave connections to short reads.
    counts: FairSemaphore,
    /// Acquired before a permit for a connection, where reads and writes share a pool. Fewer, so that reads get
    /// through while writes wait for locks.
    writes: Option<FairSemaphore>,
}

impl Shares {
    /// Shares of SQLite's readers. Reserves a connection for authentication. SQLite counts on the processors that
    /// also serve requests, so counts are bounded by processors.
    pub fn sqlite(connections: u32) -> Self {
        let connections = size(connections);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            connections: FairSemaphore::new(connections - 1),
            counts: FairSemaphore::new(processors.div_ceil(4).min(connections / 2)),
            writes: None,
        }
    }

    /// Shares of a pool of at least two connections to PostgreSQL. Reserves a connection for authentication.
    pub fn postgres(connections: u32) -> Self {
        let connections = size(connections);
        Self {
            connections: FairSemaphore::new(connections - 1),
            counts: FairSemaphore::new(connections / 4),
            writes: Some(FairSemaphore::new(connections - 2)),
        }
    }

    /// Waits for the permits of a read; for none without a user, as for signing in and for commands.
    pub async fn read(&self, user: Option<&Arc<User>>, is_count: bool) -> [Option<Permit>; 2] {
        let Some(user) = user.filter(|user| user.needs_permit()) else {
            return [None, None];
        };
        // Always counts before connections, as for writes: the same order everywhere rules out deadlocks.
        let count = match is_count {
            true => Some(self.counts.acquire(user.id).await),
            false => None,
        };
        [count, Some(self.connections.acquire(user.id).await)]
    }

    /// Waits for the permits of a write.
    pub async fn write(&self, user: Option<&Arc<User>>) -> Option<WritePermit> {
        let user = user.filter(|user| user.needs_permit())?;
        let write = self.writes.as_ref()?.acquire(user.id).await;
        let connection = self.connections.acquire(user.id).await;
        user.writes.fetch_add(1, Ordering::Relaxed);
        Some(WritePermit {
            user: user.clone(),
            _permits: [connection, write],
        })
    }
}

fn size(connections: u32) -> usize {
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// Permits of a write, released on drop.
pub(super) struct WritePermit {
    user: Arc<User>,
    _permits: [Permit; 2],
}

impl Drop for WritePermit {
    fn drop(&mut self) {
        self.user.writes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Polls a statement in place, and spawns the rest when dropped early. The driver can't interrupt a statement, so its
/// connection stays busy until the end; permits inside the future are held as long.
pub(super) struct Completed<T: Send + 'static>(Option<BoxFuture<'static, T>>);

pub(super) fn completed<T: Send>(
    statement: impl Future<Output = T> + Send + 'static,
) -> Completed<T> {
    Completed(Some(statement.boxed()))
}

impl<T: Send> Future for Completed<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let statement = self
            .0
            .as_mut()
            .expect("a future is not polled after its end");
        let polled = statement.poll_unpin(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<T: Send> Drop for Completed<T> {
    fn drop(&mut self) {
        if let (Some(statement), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(statement.map(drop));
        }
    }
}
