//! Handles of the database for one request: the values that they hand to its reads and writes.
//!
//! A handle without a request, of a command or of the server's own work, hands none. Tasks that a request spawns are
//! handed their values with the handle that they write through.

use std::sync::Arc;

use sea_orm::Statement;

use super::{Database, Fate, reader::Reader, shares::User};

/// Conditions of a commit.
#[derive(Clone, Default)]
pub(super) struct Scope {
    /// Executed by each write before it commits. When it changes no row, the write is rolled back.
    pub fence: Option<Statement>,
    /// Refuses commits once the request was answered.
    pub fate: Option<Arc<Fate>>,
}

impl Scope {
    /// Notes that a commit is about to be sent. False when it must not be.
    pub fn may_commit(&self) -> bool {
        self.fate.as_ref().is_none_or(|fate| fate.may_commit())
    }
}

impl Database {
    /// The same database on behalf of a user: statements count against the user's share of the connections.
    pub fn on_behalf_of(&self, user_id: i64) -> Self {
        let user = User::new(user_id);
        let reads = |reader: &Reader| Reader {
            user: Some(user.clone()),
            ..reader.clone()
        };
        Self {
            reader: reads(&self.reader),
            counter: reads(&self.counter),
            ..self.clone()
        }
    }

    /// Says whether writes execute a statement of their request before they commit: see [`fenced`](Self::fenced).
    pub fn is_fenced(&self) -> bool {
        self.scope.fence.is_some()
    }

    /// Says whether the request still waits for its answer.
    pub fn is_awaited(&self) -> bool {
        self.scope.fate.as_ref().is_none_or(|fate| fate.is_open())
    }

    /// Notes that a commit of the request is about to be sent, in a transaction of
    /// [`begin_shared`](Self::begin_shared). False when it must not be: the request was answered.
    pub fn may_commit(&self) -> bool {
        self.scope.may_commit()
    }

    /// The same database for a request, which commits nothing once it was answered.
    pub fn for_request(&self, fate: Arc<Fate>) -> Self {
        let mut database = self.clone();
        database.scope.fate = Some(fate);
        database
    }

    /// The same database for work that belongs to no request.
    pub fn for_background(&self) -> Self {
        let reads = |reader: &Reader| Reader {
            user: None,
            ..reader.clone()
        };
        Self {
            reader: reads(&self.reader),
            counter: reads(&self.counter),
            scope: Scope::default(),
            ..self.clone()
        }
    }

    /// The same database behind a fence: each write executes this statement in its own transaction before it commits,
    /// and is rolled back when the statement changes no row.
    pub fn fenced(&self, fence: Statement) -> Self {
        let mut database = self.clone();
        database.scope.fence = Some(fence);
        database
    }
}
