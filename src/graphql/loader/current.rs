//! Loader of the answer at hand, and how its batches run.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_graphql::{
    dataloader::{DataLoader, HashMapCache},
    runtime::Timer,
};
use futures_util::{
    future::BoxFuture,
    task::{FutureObj, Spawn, SpawnError},
};

use super::{super::viewer::Viewer, BatchLoader, Loaders};
use crate::app::{App, compute};

/// Loader of an operation. Cheap to clone.
#[derive(Clone)]
pub struct Current(Arc<Operation>);

struct Operation {
    app: App,
    viewer: Viewer,
    /// Caches rows by key. False for mutations, which must not read rows cached before a write.
    remember: bool,
    loaders: Mutex<Arc<Loaders>>,
}

impl Current {
    /// Creates the loader of an operation.
    pub fn new(app: &App, viewer: Viewer, remember: bool) -> Self {
        // Apart from the request's own handle: batches take permits of their own while a write of the request is under
        // way.
        let app = app.with_db(app.db.on_behalf_of(viewer.account()));
        let loaders = Mutex::new(loaders(&app, &viewer, remember));
        Self(Arc::new(Operation {
            app,
            viewer,
            remember,
            loaders,
        }))
    }

    /// Loader of the answer at hand.
    pub fn loaders(&self) -> Arc<Loaders> {
        self.0.locked().clone()
    }

    /// Begins the next answer of a subscription. A failed answer may leave keys whose batch has ended: the next answer
    /// would wait for that batch.
    pub fn renew(&self) {
        *self.0.locked() = loaders(&self.0.app, &self.0.viewer, self.0.remember);
    }
}

impl Operation {
    fn locked(&self) -> MutexGuard<'_, Arc<Loaders>> {
        self.loaders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn loaders(app: &App, viewer: &Viewer, remember: bool) -> Arc<Loaders> {
    let batches = BatchLoader {
        app: app.clone(),
        viewer: viewer.clone(),
    };
    let loader = DataLoader::with_cache(batches, BatchSpawner, YieldDelay, HashMapCache::default());
    // Bounds the parameters of a statement.
    let loader = loader.max_batch_size(10_000);
    loader.enable_all_cache(remember);
    Arc::new(loader)
}

/// Runs batches on behalf of the user of the request, as parts of the operation that asks: where it runs, and no
/// longer than it.
struct BatchSpawner;

impl Spawn for BatchSpawner {
    fn spawn_obj(&self, batch: FutureObj<'static, ()>) -> std::result::Result<(), SpawnError> {
        compute::spawn(Box::pin(batch));
        Ok(())
    }
}

/// Closes a batch as soon as every resolver that is ready was polled. A timer would cost a millisecond for each level
/// of the query.
struct YieldDelay;

impl Timer for YieldDelay {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        // Yields once instead of waiting for a time: fields of the same level have queued their keys by then.
        Box::pin(tokio::task::yield_now())
    }
}
