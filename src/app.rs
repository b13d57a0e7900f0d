//! What every operation needs, handed down as its first parameter.

mod configs;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::configs::Configs;
use crate::{db::Database, events::Events};

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
    pub configs: Configs,
    /// Comparisons of annotations run on half of the processors at most.
    pub comparing: Arc<Semaphore>,
}

impl App {
    pub fn new(db: Database) -> Self {
        let events = Events::new(db.clone());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            db,
            events,
            configs: Configs::default(),
            comparing: Arc::new(Semaphore::new(processors.div_ceil(2))),
        }
    }
}
