//! Queue of the workers, which serves users in turn.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use async_task::Runnable;

/// Niceness of workers above other threads: on a busy processor they get a quarter of the time.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Operations that wait for a worker. Each waits at most once and belongs to an admitted request, so the quota of
/// concurrent requests bounds the queue.
pub struct Queue {
    per_user: usize,
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    /// Users with waiting or computing operations.
    users: HashMap<i64, User>,
    /// Users with waiting operations, each once, the next first.
    order: VecDeque<i64>,
    workers: usize,
    idle: usize,
    is_closed: bool,
}

#[derive(Default)]
struct User {
    waiting: VecDeque<Runnable>,
    computing: usize,
}

impl Queue {
    /// Creates an empty queue that runs at most `per_user` operations of a user at once, at least one.
    pub fn new(per_user: usize) -> Self {
        Self {
            per_user: per_user.max(1),
            state: Mutex::default(),
            ready: Condvar::new(),
        }
    }

    /// Queues an operation; starts a worker when all are busy. Drops the operation when the queue is closed.
    pub fn push(self: &Arc<Self>, user_id: i64, turn: Runnable) {
        let mut state = self.state();
        if state.is_closed {
            // Unlocks first: dropping an operation runs destructors that may take long or use the queue.
            drop(state);
            return drop(turn);
        }
        state.add(user_id, turn);
        if state.idle > 0 {
            return self.ready.notify_one();
        }
        // Threads start on demand: most servers never see a large operation.
        if state.workers < 2 * self.per_user {
            let queue = self.clone();
            let worker = thread::Builder::new().name("compute".to_owned());
            match worker.spawn(move || queue.work()) {
                Ok(_) => state.workers += 1,
                Err(error) => tracing::error!(%error, "can't start a thread"),
            }
        }
    }

    /// Ends the workers and drops all waiting operations.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let left = std::mem::take(&mut state.users);
        state.order.clear();
        // As in `push`: drops the operations without the lock.
        drop(state);
        drop(left);
        self.ready.notify_all();
    }

    fn work(&self) {
        lower_priority();
        while let Some((user_id, turn)) = self.next() {
            // Operations catch panics, so the worker survives.
            turn.run();
            self.end(user_id);
        }
    }

    /// Waits for an operation; `None` once the queue is closed.
    fn next(&self) -> Option<(i64, Runnable)> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(next) = state.take(self.per_user) {
                return Some(next);
            }
            // Counts idle workers, so that `push` wakes a worker instead of starting another.
            state.idle += 1;
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn end(&self, user_id: i64) {
        self.state().end(user_id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, user_id: i64, turn: Runnable) {
        let user = self.users.entry(user_id).or_default();
        if user.waiting.is_empty() {
            self.order.push_back(user_id);
        }
        user.waiting.push_back(turn);
    }

    /// Takes an operation of the next user below the limit of workers, and moves that user to the end.
    fn take(&mut self, per_user: usize) -> Option<(i64, Runnable)> {
        // Skips users at their limit without losing their position.
        let may_compute = |id: &i64| {
            let user = self.users.get(id);
            user.is_some_and(|user| user.computing < per_user)
        };
        let place = self.order.iter().position(may_compute)?;
        let user_id = self.order.remove(place)?;
        let user = self.users.get_mut(&user_id)?;
        let turn = user.waiting.pop_front()?;
        user.computing += 1;
        if !user.waiting.is_empty() {
            self.order.push_back(user_id);
        }
        Some((user_id, turn))
    }

    fn end(&mut self, user_id: i64) {
        let Some(user) = self.users.get_mut(&user_id) else {
            return;
        };
        user.computing -= 1;
        if user.computing == 0 && user.waiting.is_empty() {
            self.users.remove(&user_id);
        }
    }
}

/// Lowers the priority of this thread below threads that answer requests. Only Linux has priorities per thread
/// (<https://man7.org/linux/man-pages/man2/setpriority.2.html>).
#[cfg(target_os = "linux")]
fn lower_priority() {
    use rustix::process::{getpriority_process, setpriority_process};
    let lowered = getpriority_process(None)
        .and_then(|niceness| setpriority_process(None, (niceness + NICENESS).min(19)));
    if let Err(error) = lowered {
        tracing::debug!(%error, "can't lower the priority of a thread");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
