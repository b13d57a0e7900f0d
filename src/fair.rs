//! Semaphore that is fair between users.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Permits for a resource, shared between users. No user holds all permits, and waiting users are served round robin,
/// regardless of the length of their queues. Cheap to clone. Decision: docs/decisions/0022-shares.md.
#[derive(Clone)]
pub struct FairSemaphore(Arc<Shared>);

struct Shared {
    /// Maximum permits per user.
    share: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    free: usize,
    /// Users with a permit or a waiter.
    users: HashMap<i64, Usage>,
    /// Users with waiters, in round-robin order.
    turns: VecDeque<i64>,
}

#[derive(Default)]
struct Usage {
    held: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// Permit of the resource, released on drop.
#[derive(Debug)]
pub struct Permit {
    user_id: i64,
    /// `None` in a permit that was sent to a waiter who had left.
    semaphore: Option<Arc<Shared>>,
}

impl FairSemaphore {
    /// Creates a semaphore with at least one permit. A user's share is three quarters, at least one.
    pub fn new(permits: usize) -> Self {
        let permits = permits.max(1);
        // Leaves permits for other users even when a user asks for all.
        let reserved = (permits / 4).max(1);
        Self(Arc::new(Shared {
            share: permits.saturating_sub(reserved).max(1),
            state: Mutex::new(State {
                free: permits,
                ..State::default()
            }),
        }))
    }

    /// Waits for a permit of a user. Dropping the future leaves the queue.
    pub async fn acquire(&self, user_id: i64) -> Permit {
        let waiting = {
            let mut state = self.0.state();
            match self.0.try_take(&mut state, user_id) {
                Some(permit) => return permit,
                None => state.queue(user_id),
            }
        };
        waiting.await.expect("the queue is kept by the semaphore")
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a free permit within the user's share. Never overtakes a waiter: while permits are free, all waiting
    /// users are at their share.
    fn try_take(self: &Arc<Self>, state: &mut State, user_id: i64) -> Option<Permit> {
        let held = state.users.get(&user_id).map_or(0, |usage| usage.held);
        if state.free == 0 || held >= self.share {
            return None;
        }
        state.free -= 1;
        state.users.entry(user_id).or_default().held += 1;
        Some(Permit {
            user_id,
            semaphore: Some(self.clone()),
        })
    }

    /// Hands free permits to waiting users, one per turn.
    fn hand_out(self: &Arc<Self>, state: &mut State) {
        // Counts users at their share in a row, and stops after a full round without progress.
        let mut passed_over = 0;
        while state.free > 0 && passed_over < state.turns.len() {
            let Some(user_id) = state.turns.pop_front() else {
                return;
            };
            let Some(permit) = self.try_take(state, user_id) else {
                state.turns.push_back(user_id);
                passed_over += 1;
                continue;
            };
            let usage = state.users.entry(user_id).or_default();
            let refused = match usage.waiting.pop_front() {
                Some(waiter) => waiter.send(permit).err(),
                None => Some(permit),
            };
            if !usage.waiting.is_empty() {
                state.turns.push_back(user_id);
            }
            match refused {
                None => passed_over = 0,
                // The waiter has left. Clears the permit before dropping: its `drop` would lock the state again.
                Some(mut permit) => {
                    permit.semaphore = None;
                    state.give_back(user_id);
                }
            }
        }
    }
}

impl State {
    fn queue(&mut self, user_id: i64) -> oneshot::Receiver<Permit> {
        let (waiter, waiting) = oneshot::channel();
        let queue = &mut self.users.entry(user_id).or_default().waiting;
        if queue.is_empty() {
            self.turns.push_back(user_id);
        }
        // Removes waiters that have left before the queue grows: cancelled requests must not accumulate.
        if queue.len() == queue.capacity() {
            queue.retain(|waiter| !waiter.is_closed());
        }
        queue.push_back(waiter);
        waiting
    }

    fn give_back(&mut self, user_id: i64) {
        self.free += 1;
        if let Some(usage) = self.users.get_mut(&user_id) {
            usage.held -= 1;
            if usage.held == 0 && usage.waiting.is_empty() {
                self.users.remove(&user_id);
            }
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FairSemaphore").finish()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(semaphore) = self.semaphore.take() else {
            return;
        };
        let mut state = semaphore.state();
        state.give_back(self.user_id);
        semaphore.hand_out(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const ANN: i64 = 1;
    const BOB: i64 = 2;
    const EVE: i64 = 3;

    #[test]
    fn nobody_holds_all_permits() {
        let semaphore = FairSemaphore::new(8);
        let held: Vec<Permit> = (0..9)
            .filter_map(|_| semaphore.acquire(ANN).now_or_never())
            .collect();
        assert_eq!(held.len(), 6);
        assert!(semaphore.acquire(BOB).now_or_never().is_some());
        for permits in 0..3 {
            let semaphore = FairSemaphore::new(permits);
            assert!(semaphore.acquire(ANN).now_or_never().is_some());
        }
    }

    #[tokio::test]
    async fn users_who_wait_are_served_round_robin() {
        let semaphore = FairSemaphore::new(1);
        let held = semaphore.acquire(EVE).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let waiting = [ANN, ANN, ANN, BOB, BOB, EVE].map(|user_id| {
            let (semaphore, served) = (semaphore.clone(), served.clone());
            tokio::spawn(async move {
                let permit = semaphore.acquire(user_id).await;
                served.lock().unwrap().push(permit.user_id);
            })
        });
        tokio::task::yield_now().await;
        drop(held);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(*served.lock().unwrap(), [ANN, BOB, EVE, ANN, BOB, ANN]);
    }

    #[test]
    fn whoever_leaves_the_queue_holds_nothing() {
        let semaphore = FairSemaphore::new(1);
        let held = semaphore.acquire(EVE).now_or_never();
        let mut left: Vec<_> = (0..100).map(|_| Box::pin(semaphore.acquire(ANN))).collect();
        for waiting in &mut left {
            assert!(waiting.now_or_never().is_none());
        }
        let mut stays = Box::pin(semaphore.acquire(BOB));
        assert!((&mut stays).now_or_never().is_none());
        // The first waiter leaves after its permit was sent.
        let received = left.swap_remove(0);
        drop(left);
        drop(held);
        drop(received);
        assert!((&mut stays).now_or_never().is_some());
        drop(stays);
        assert!(semaphore.acquire(ANN).now_or_never().is_some());
        let state = semaphore.0.state();
        assert_eq!(
            (state.free, state.users.len(), state.turns.len()),
            (1, 0, 0)
        );
    }
}
