//! Application state, the first parameter of every operation.

pub mod budget;
pub mod compute;
mod configs;
pub mod memory;

use self::compute::Compute;
pub use self::{
    budget::Budget,
    configs::{Configs, parsed_size},
    memory::Memory,
};
use crate::{db::Database, events::Events};

/// Running program: database, caches, workers and budgets. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
    pub configs: Configs,
    /// Server memory, shared by bodies, answers and caches.
    pub memory: Memory,
    /// Worker threads for large operations.
    pub compute: Compute,
    /// Budget of the current answer.
    pub budget: Budget,
}

impl App {
    /// Creates the state for commands, without bounds on memory.
    pub fn new(db: Database) -> Self {
        let events = Events::new(db.clone());
        Self {
            db,
            events,
            configs: Configs::default(),
            memory: Memory::unlimited(),
            compute: Compute::default(),
            budget: Budget::unlimited(),
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

    /// Sets the budget of an answer.
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self {
            budget,
            ..self.clone()
        }
    }
}
