//! What every operation needs, handed down as its first parameter.

use crate::{db::Database, events::Events};

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
    pub events: Events,
}

impl App {
    pub fn new(db: Database) -> Self {
        let events = Events::new(db.clone());
        Self { db, events }
    }
}
