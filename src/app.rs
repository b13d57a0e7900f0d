//! What every operation needs, handed down as its first parameter.

use crate::db::Database;

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Database,
}
