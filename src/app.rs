//! Application state, the first parameter of every operation.

mod answer_notes;
pub mod budget;
pub mod compute;
mod configs;
mod extensions;
mod identities;
pub mod memory;

use self::compute::Compute;
pub use self::{
    answer_notes::AnswerNotes,
    budget::Budget,
    configs::{Configs, parsed_size},
    extensions::Extensions,
    identities::Identities,
    memory::Memory,
};
/// Fate of a request's commits, which transports hold: they know `app`, and `db` through it alone.
pub use crate::db::Fate;
use crate::{db::Database, events::Events};

/// Running program: database, caches, workers and budgets. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
    pub configs: Configs,
    /// Users and tokens in memory.
    pub identities: Identities,
    /// Server memory, shared by bodies, answers and caches.
    pub memory: Memory,
    /// Worker threads for large operations.
    pub compute: Compute,
    /// Budget of the current answer.
    pub budget: Budget,
    /// Facts about the answer at hand.
    pub notes: AnswerNotes,
    /// State of upper layers.
    pub extensions: Extensions,
}

impl App {
    /// Creates the state for commands, without bounds on memory.
    pub fn new(db: Database) -> Self {
        let events = Events::new(db.clone());
        Self {
            db,
            events,
            configs: Configs::default(),
            identities: Identities::default(),
            memory: Memory::unlimited(),
            compute: Compute::default(),
            budget: Budget::unlimited(),
            notes: AnswerNotes::default(),
            extensions: Extensions::default(),
        }
    }

    /// Bounds the memory, and the caches with it.
    pub fn with_memory(self, memory: Memory) -> Self {
        Self {
            configs: Configs::within(memory.clone()),
            memory,
            ..self
        }
    }

    /// Keeps users and tokens in memory, for a server.
    pub fn with_identities(self) -> Self {
        Self {
            identities: Identities::of(self.db.clone()),
            ..self
        }
    }

    /// Replaces the handle of the database: by one on behalf of a user, for a request, or behind a fence.
    pub fn with_db(&self, db: Database) -> Self {
        Self { db, ..self.clone() }
    }

    /// The same state for work that belongs to no request, and outlives the request that starts it.
    pub fn background(&self) -> Self {
        Self {
            db: self.db.for_background(),
            budget: Budget::unlimited(),
            notes: AnswerNotes::default(),
            ..self.clone()
        }
    }

    /// Sets the budget of an answer.
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self {
            budget,
            ..self.clone()
        }
    }
}
