//! Events as they are read, once for all who subscribe.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, Utc};
use entity::{annotation, annotation_revision, user};

/// Consecutive events with all that it takes to decide who sees what of them, as of one reading.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order of the log.
    pub events: Vec<Event>,
    /// By project: of the projects of these events and annotations, and of those of the events' actors.
    pub members: HashMap<i64, HashSet<i64>>,
    pub admins: HashSet<i64>,
    /// API tokens that were revoked or expired since those who listen signed in.
    pub ended_tokens: HashSet<i64>,
}

/// One accepted change of an annotation.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the log.
    pub seq: i64,
    /// Cursor that continues after the event, sealed at first use.
    pub cursor: OnceLock<Arc<str>>,
    pub annotation_id: i64,
    pub version: i32,
    pub kind: annotation_revision::Event,
    pub action: annotation::Action,
    /// Where the annotation was after the change.
    pub to: TaskRef,
    /// Where it was before, when the change moved it.
    pub from: Option<TaskRef>,
    pub actor: Option<Arc<user::Model>>,
    pub at: DateTime<Utc>,
    pub changed_fields: Arc<[String]>,
    /// What the annotation is by now; nothing once it is gone.
    pub annotation: Option<Arc<annotation::Model>>,
}

/// The task and project of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRef {
    pub task_id: i64,
    pub project_id: i64,
    /// The task still exists.
    pub has_task: bool,
}

impl Batch {
    /// The place of its last event in the log.
    pub fn last(&self) -> Option<i64> {
        self.events.last().map(|event| event.seq)
    }
}
