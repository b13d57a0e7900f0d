//! Queue of updates, and the writers that take groups from the queue.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::annotation;
use tokio::sync::oneshot;

use super::super::command::Change;
use crate::{db::Database, domain::access::Actor, error::Result, fair::Permit};

/// Updates in a group at most: the locks of the first are held until the last is decided on.
const MAX_JOBS: usize = 16;

/// Update of a request, to write in a group.
pub struct Job {
    /// Handle of the request, which knows whether its commit is still wanted.
    pub db: Database,
    pub actor: Actor,
    pub annotation_id: i64,
    pub change: Change,
    pub outcome: oneshot::Sender<Outcome>,
    /// Place among the queued updates, which users share.
    pub permit: Permit,
}

/// Outcome of an update in a group.
pub enum Outcome {
    /// Written and committed, without an effect, or refused.
    Decided(Box<Result<annotation::Model>>),
    /// Not written: the group does not fit the update, or has failed before its commit. The update has to run in a
    /// transaction of its own.
    Separate(Box<Change>),
}

/// Waiting updates. Each group has an annotation once, and no two groups at once have the same annotation.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Annotations of the groups that are being written.
    taken: HashSet<i64>,
    writers: usize,
}

/// Annotations of a group, free for the next group on drop.
pub struct Taken {
    queue: Arc<Queue>,
    annotation_ids: Vec<i64>,
}

impl Queue {
    /// Adds an update. Says whether the caller has to start a writer: fewer than `writers` run.
    pub fn push(&self, job: Job, writers: usize) -> bool {
        let mut state = self.state();
        state.waiting.push_back(job);
        let is_short = state.writers < writers;
        state.writers += usize::from(is_short);
        is_short
    }

    /// Takes the updates of the next group, or ends the writer when no update can be taken.
    pub fn take(self: &Arc<Self>) -> Option<(Vec<Job>, Taken)> {
        let mut state = self.state();
        let (mut jobs, mut others) = (Vec::new(), VecDeque::new());
        while let Some(job) = state.waiting.pop_front() {
            // Callers that have left need no outcome.
            if job.outcome.is_closed() {
                continue;
            }
            if jobs.len() < MAX_JOBS && state.taken.insert(job.annotation_id) {
                jobs.push(job);
            } else {
                others.push_back(job);
            }
        }
        state.waiting = others;
        // One order for rows, revisions and tasks, whatever the order of arrival.
        jobs.sort_unstable_by_key(|job: &Job| job.annotation_id);
        if jobs.is_empty() {
            // Another group has the annotations of all waiting updates, and its writer takes them next.
            state.writers -= 1;
            return None;
        }
        let annotation_ids = jobs.iter().map(|job| job.annotation_id).collect();
        let taken = Taken {
            queue: self.clone(),
            annotation_ids,
        };
        Some((jobs, taken))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        for id in &self.annotation_ids {
            state.taken.remove(id);
        }
    }
}
