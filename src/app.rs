//! What every operation needs, handed down as its first parameter.

pub mod budget;
pub mod compute;
mod configs;
pub mod memory;

use self::compute::Compute;
pub use self::{budget::Budget, configs::Configs, memory::Memory};
use crate::{db::Database, events::Events};

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
    pub configs: Configs,
    /// What bodies, answers and caches may hold together.
    pub memory: Memory,
    /// Worker threads for large operations.
    pub compute: Compute,
    /// What the answer at hand may hold.
    pub budget: Budget,
}

impl App {
    /// Without a bound on memory, as commands run.
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
    /// The program with a budget of memory, and with caches that keep to it.
    pub fn with_memory(self, memory: Memory) -> Self {
        Self {
            configs: Configs::within(memory.clone()),
            memory,
            ..self
        }
    }

    /// The program at work on one answer.
    pub fn with_budget(&self, budget: Budget) -> Self {
        Self {
            budget,
            ..self.clone()
        }
    }
}
