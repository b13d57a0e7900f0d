//! Answers of events, shared between subscribers.
//!
//! An answer is found by operation, view of the event and, when the answer depends on the actor, by the actor. The first
//! subscriber without an answer claims the place, resolves and serialises the event; the rest wait for that answer. The
//! latest answers are kept for subscribers that are a little slower.
//!
//! Decision: docs/decisions/0032-shared-answers.md.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_graphql::ServerError;
use axum::body::Bytes;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    chunks::{Chunks, LeasedResponse},
    document::Fingerprint,
};
use crate::{app::memory::Lease, domain::event::View, graphql::error::is_request_error};

/// Bytes of the answers that are kept. A thousand events of a kilobyte are some seconds of work of a busy team.
const KEPT_BYTES: usize = 4 << 20;
/// Number of the answers that are kept.
const KEPT: usize = 4_096;

/// Answer of an event: JSON in a single line.
pub struct Answer {
    chunks: Vec<Bytes>,
    /// True when a part of the answer failed.
    has_errors: bool,
    /// Errors of an answer without data, which ends the subscription.
    refusal: Option<Vec<ServerError>>,
    _lease: Lease,
}

impl Answer {
    /// Serialises a response.
    pub fn new(answered: LeasedResponse) -> Self {
        let response = &answered.response;
        let has_errors = !response.errors.is_empty();
        let refusal = is_request_error(response).then(|| response.errors.clone());
        let (chunks, lease) = Chunks::new(answered).single_line().into_copies();
        Self {
            chunks,
            has_errors,
            refusal,
            _lease: lease,
        }
    }

    /// Parts of the JSON, in order.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Says whether a part of the answer failed.
    pub fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// Errors of an answer without data, which ends the subscription.
    pub fn refusal(&self) -> Option<&[ServerError]> {
        self.refusal.as_deref()
    }

    /// Length of the JSON in bytes.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }
}

/// Actor of a subscription: user and token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    pub user_id: i64,
    pub token_id: i64,
}

/// Everything that decides on the answer of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub operation: Fingerprint,
    pub view: View,
    /// The actor, for answers that depend on the actor.
    pub account: Option<Account>,
}

/// Answer with the rule of who may receive the answer. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    pub answer: Arc<Answer>,
    /// Restricts the answer to an actor; absent when the answer is the same for all actors.
    pub only_for: Option<Account>,
}

impl Shared {
    /// Says whether subscriptions of this actor may have the answer.
    pub fn is_for(&self, account: Account) -> bool {
        self.only_for.is_none_or(|only| only == account)
    }
}

/// Longest time that a place is claimed by the same subscribers alone.
const PATIENCE: Duration = Duration::from_millis(100);

/// Place of an answer. Cheap to clone.
#[derive(Clone)]
pub struct Cell {
    key: Key,
    state: Arc<watch::Sender<State>>,
    fan_out: FanOut,
}

enum State {
    Free,
    Claimed {
        /// Subscribers that resolve the event.
        claims: u32,
        /// Time of the last claim.
        since: Instant,
    },
    Ready(Shared),
}

/// Right to resolve an event for all subscribers that wait for the answer. Passes to the next subscriber on drop.
pub struct Claim(Cell);

impl Cell {
    /// Returns the answer, or `None` before the event is resolved.
    pub fn answer(&self) -> Option<Shared> {
        match &*self.state.borrow() {
            State::Ready(shared) => Some(shared.clone()),
            _ => None,
        }
    }

    /// Claims the place when free, or when the last claim is late: an event is resolved with the share of a single user,
    /// which may be exhausted. Fails with the time from which a claim may succeed.
    pub fn claim(&self) -> Result<Claim, Instant> {
        let now = Instant::now();
        let mut claimed = Err(now);
        self.state.send_if_modified(|state| {
            let claims = match state {
                State::Free => 0,
                State::Claimed { claims, since } if now >= *since + PATIENCE => *claims,
                State::Claimed { since, .. } => {
                    claimed = Err(*since + PATIENCE);
                    return false;
                }
                State::Ready(_) => return false,
            };
            *state = State::Claimed {
                claims: claims + 1,
                since: now,
            };
            claimed = Ok(Claim(self.clone()));
            // Wakes no subscriber: waiting ends with an answer or a free place.
            false
        });
        claimed
    }

    /// Waits until the place is no longer claimed, or until a time.
    pub async fn settled(&self, until: Instant) {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Claimed { .. }));
        let _ = timeout_at(until, settled).await;
    }
}

impl Claim {
    /// Publishes the answer to waiting and later subscribers. The first answer counts.
    pub fn finish(self, shared: Shared) {
        let bytes = shared.answer.bytes();
        let is_first = self.0.state.send_if_modified(|state| {
            let is_first = !matches!(state, State::Ready(_));
            if is_first {
                *state = State::Ready(shared);
            }
            is_first
        });
        if is_first {
            self.0.fan_out.count(&self.0, bytes);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.state.send_if_modified(|state| {
            let State::Claimed { claims, .. } = state else {
                return false;
            };
            *claims -= 1;
            let is_free = *claims == 0;
            if is_free {
                *state = State::Free;
            }
            is_free
        });
    }
}

/// Latest answers of events. Cheap to clone.
#[derive(Clone, Default)]
pub struct FanOut(Arc<Mutex<Answers>>);

#[derive(Default)]
struct Answers {
    cells: HashMap<Key, Kept>,
    /// Keys from the oldest on.
    order: VecDeque<Key>,
    /// Bytes of all answers.
    bytes: usize,
}

struct Kept {
    state: Arc<watch::Sender<State>>,
    /// Bytes of the answer; 0 before the event is resolved.
    bytes: usize,
}

impl FanOut {
    /// Returns the place of an answer, the same for equal keys.
    pub fn cell(&self, key: Key) -> Cell {
        let mut answers = self.answers();
        let known = answers.cells.get(&key).map(|kept| kept.state.clone());
        let state = known.unwrap_or_else(|| {
            let state = Arc::new(watch::Sender::new(State::Free));
            answers.insert(key, state.clone());
            state
        });
        Cell {
            key,
            state,
            fan_out: self.clone(),
        }
    }

    /// Counts the bytes of an answer that exists from now on.
    fn count(&self, cell: &Cell, bytes: usize) {
        let mut answers = self.answers();
        let Some(kept) = answers.cells.get_mut(&cell.key) else {
            return;
        };
        // The key has a new place when this place was dropped meanwhile.
        if !Arc::ptr_eq(&kept.state, &cell.state) {
            return;
        }
        // Keeps the other answers: a large answer would push out all of them.
        if bytes > KEPT_BYTES {
            answers.cells.remove(&cell.key);
            answers.order.retain(|key| *key != cell.key);
            return;
        }
        kept.bytes = bytes;
        answers.bytes += bytes;
        answers.drop_oldest();
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn insert(&mut self, key: Key, state: Arc<watch::Sender<State>>) {
        self.cells.insert(key, Kept { state, bytes: 0 });
        self.order.push_back(key);
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.bytes > KEPT_BYTES || self.order.len() > KEPT {
            let Some(key) = self.order.pop_front() else {
                return;
            };
            if let Some(kept) = self.cells.remove(&key) {
                self.bytes -= kept.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Memory;

    fn key(seq: i64) -> Key {
        Key {
            operation: Fingerprint::default(),
            view: View::of_event(seq),
            account: None,
        }
    }

    fn shared(bytes: usize) -> Shared {
        let answer = Answer {
            chunks: vec![Bytes::from(vec![b' '; bytes])],
            has_errors: false,
            refusal: None,
            _lease: Memory::unlimited().empty(),
        };
        Shared {
            answer: Arc::new(answer),
            only_for: None,
        }
    }

    fn is_same(one: &Cell, other: &Cell) -> bool {
        Arc::ptr_eq(&one.state, &other.state)
    }

    #[test]
    fn the_latest_answers_are_kept_by_number() {
        let fan_out = FanOut::default();
        let first = fan_out.cell(key(0));
        assert!(is_same(&first, &fan_out.cell(key(0))));
        for seq in 1..=KEPT as i64 {
            fan_out.cell(key(seq));
        }
        assert_eq!(fan_out.answers().cells.len(), KEPT);
        assert!(!is_same(&first, &fan_out.cell(key(0))));
    }

    #[test]
    fn the_latest_answers_are_kept_by_bytes() {
        let fan_out = FanOut::default();
        let cells: Vec<Cell> = (0..3).map(|seq| fan_out.cell(key(seq))).collect();
        let late = cells[0].claim().ok().unwrap();
        for cell in &cells[1..] {
            cell.claim().ok().unwrap().finish(shared(KEPT_BYTES / 2));
        }
        assert_eq!(fan_out.answers().cells.len(), 3);
        late.finish(shared(1));
        assert_eq!(fan_out.answers().bytes, KEPT_BYTES);
        assert!(!is_same(&cells[0], &fan_out.cell(key(0))));
        assert!(is_same(&cells[1], &fan_out.cell(key(1))));
    }

    #[test]
    fn an_answer_that_is_too_large_to_keep_leaves_the_others() {
        let fan_out = FanOut::default();
        let small = fan_out.cell(key(0));
        let large = fan_out.cell(key(1));
        small.claim().ok().unwrap().finish(shared(1));
        large.claim().ok().unwrap().finish(shared(KEPT_BYTES + 1));
        assert!(is_same(&small, &fan_out.cell(key(0))));
        assert!(!is_same(&large, &fan_out.cell(key(1))));
        assert_eq!(fan_out.answers().bytes, 1);
        assert_eq!(fan_out.answers().order.len(), 2);
    }

    #[tokio::test]
    async fn a_claim_that_is_dropped_passes_on() {
        let cell = FanOut::default().cell(key(0));
        let claim = cell.claim().ok().unwrap();
        let due = cell.claim().err().unwrap();
        let settled = tokio::spawn({
            let cell = cell.clone();
            async move { cell.settled(due + Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        drop(claim);
        settled.await.unwrap();
        cell.claim().ok().unwrap().finish(shared(1));
        assert!(cell.claim().is_err());
        assert_eq!(cell.answer().unwrap().answer.bytes(), 1);
    }

    #[tokio::test]
    async fn a_late_claim_is_joined_by_one_at_a_time_and_the_first_answer_counts() {
        let fan_out = FanOut::default();
        let cell = fan_out.cell(key(0));
        let late = cell.claim().ok().unwrap();
        let due = cell.claim().err().unwrap();
        cell.settled(due).await;
        let second = cell.claim().ok().unwrap();
        // The next may join a tenth of a second later.
        let due = cell.claim().err().unwrap();
        drop(second);
        cell.settled(due).await;
        let third = cell.claim().ok().unwrap();
        third.finish(shared(2));
        late.finish(shared(3));
        assert_eq!(cell.answer().unwrap().answer.bytes(), 2);
        assert_eq!(fan_out.answers().bytes, 2);
    }
}
