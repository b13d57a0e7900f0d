//! What every operation needs, handed down as its first parameter.

mod configs;

pub use self::configs::Configs;
use crate::{db::Database, events::Events};

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
    pub configs: Configs,
}

impl App {
    pub fn new(db: Database) -> Self {
        let events = Events::new(db.clone());
        Self {
            db,
            events,
            configs: Configs::default(),
        }
    }
}
