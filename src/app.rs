//! What every operation needs, handed down as its first parameter.

mod configs;
pub mod memory;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::{configs::Configs, memory::Memory};
use crate::{db::Database, events::Events};

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
    pub configs: Configs,
    /// What bodies, answers and caches may hold together.
    pub memory: Memory,
    /// Comparisons of annotations run on half of the processors at most.
    pub comparing: Arc<Semaphore>,
}

impl App {
    /// Without a bound on memory, as commands run.
    pub fn new(db: Database) -> Self {
        let events = Events::new(db.clone());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            db,
            events,
            configs: Configs::default(),
            memory: Memory::unlimited(),
            comparing: Arc::new(Semaphore::new(processors.div_ceil(2))),
        }
    }
    /// The program with a budget of memory, and with caches that keep to it.
    pub fn within(self, memory: Memory) -> Self {
        Self {
            configs: Configs::within(memory.clone()),
            memory,
            ..self
        }
    }
}
