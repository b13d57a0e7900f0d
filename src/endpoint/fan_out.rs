//! Answers of events, shared between subscribers.
//!
//! A subscriber looks for the answer of an event by what decides on it: the operation, the view of the event and, when
//! the answer depends on the actor, the actor. The first that finds none resolves and serialises the event; all others
//! wait for that answer. The latest answers are kept, so that a subscriber that is a little slower finds them.
//!
//! Decision: docs/decisions/0032-shared-answers.md.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::ServerError;
use axum::body::Bytes;
use tokio::sync::OnceCell;

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
    /// Errors of an answer without data, which ends the subscription.
    refusal: Option<Vec<ServerError>>,
    _lease: Lease,
}

impl Answer {
    /// Serialises a response. A large stored text stays a chunk of its own, without a copy.
    pub fn new(answered: LeasedResponse) -> Self {
        let response = &answered.response;
        let refusal = is_request_error(response).then(|| response.errors.clone());
        let (chunks, lease) = Chunks::new(answered).single_line().into_parts();
        Self {
            chunks,
            refusal,
            _lease: lease,
        }
    }

    /// Parts of the JSON, in order.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub operation: Arc<Fingerprint>,
    pub view: View,
    /// The actor, for answers that depend on the actor.
    pub account: Option<Account>,
}

/// Answer with the subscribers that may have it. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    pub answer: Arc<Answer>,
    /// The only actor that may have the answer; `None` for an answer that depends on no actor.
    pub only_for: Option<Account>,
}

impl Shared {
    /// Says whether subscriptions of this actor may have the answer.
    pub fn is_for(&self, account: Account) -> bool {
        self.only_for.is_none_or(|only| only == account)
    }
}

/// Place of an answer: empty until the first subscriber has resolved the event.
pub type Cell = Arc<OnceCell<Shared>>;

/// Latest answers of events. Cheap to clone.
#[derive(Clone, Default)]
pub struct FanOut(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cells: HashMap<Key, Kept>,
    /// Keys from the oldest on.
    order: VecDeque<Key>,
    /// Bytes of all answers.
    bytes: usize,
}

struct Kept {
    cell: Cell,
    /// Bytes of the answer, once it exists.
    bytes: usize,
}

impl FanOut {
    /// Returns the place of an answer, shared with everybody who asks by an equal key.
    pub fn cell(&self, key: &Key) -> Cell {
        let mut state = self.state();
        if let Some(kept) = state.cells.get(key) {
            return kept.cell.clone();
        }
        let cell = Cell::default();
        let kept = Kept {
            cell: cell.clone(),
            bytes: 0,
        };
        state.cells.insert(key.clone(), kept);
        state.order.push_back(key.clone());
        state.drop_oldest();
        cell
    }

    /// Counts the bytes of an answer that exists from now on.
    pub fn count(&self, key: &Key, cell: &Cell, bytes: usize) {
        let mut state = self.state();
        let Some(kept) = state.cells.get_mut(key) else {
            return;
        };
        // Another cell when this one was dropped meanwhile.
        if Arc::ptr_eq(&kept.cell, cell) {
            kept.bytes = bytes;
            state.bytes += bytes;
            state.drop_oldest();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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

    fn key(seq: i64) -> Key {
        Key {
            operation: Arc::default(),
            view: View::of_event(seq),
            account: None,
        }
    }

    #[test]
    fn the_latest_answers_are_kept_by_number() {
        let fan_out = FanOut::default();
        let first = fan_out.cell(&key(0));
        assert!(Arc::ptr_eq(&first, &fan_out.cell(&key(0))));
        for seq in 1..=KEPT as i64 {
            fan_out.cell(&key(seq));
        }
        assert_eq!(fan_out.state().cells.len(), KEPT);
        assert!(!Arc::ptr_eq(&first, &fan_out.cell(&key(0))));
    }

    #[test]
    fn the_latest_answers_are_kept_by_bytes() {
        let fan_out = FanOut::default();
        let cells: Vec<Cell> = (0..3).map(|seq| fan_out.cell(&key(seq))).collect();
        fan_out.count(&key(0), &cells[0], KEPT_BYTES / 2);
        fan_out.count(&key(1), &cells[1], KEPT_BYTES / 2);
        assert_eq!(fan_out.state().cells.len(), 3);
        fan_out.count(&key(2), &cells[2], 1);
        assert_eq!(fan_out.state().bytes, KEPT_BYTES / 2 + 1);
        // The first was dropped: counting it again changes nothing.
        fan_out.count(&key(0), &cells[0], 1_000);
        assert_eq!(fan_out.state().bytes, KEPT_BYTES / 2 + 1);
        assert!(Arc::ptr_eq(&cells[1], &fan_out.cell(&key(1))));
    }
}
