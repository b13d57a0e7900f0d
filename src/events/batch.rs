//! Batch of events, read once for all subscribers.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use chrono::{DateTime, Utc};
use entity::{annotation, annotation_revision, user};

/// Consecutive events with the facts that decide who sees them, as of a single read.
#[derive(Debug, Default)]
pub struct Batch {
    /// Number of the read, when several subscribers share the batch.
    pub number: Option<u64>,
    /// True when the log may have further events: the read ended at its limit.
    pub has_more: bool,
    /// In the order of the log.
    pub events: Vec<Event>,
    /// Members by project: of the projects of these events and annotations, and of the events' actors.
    pub members: HashMap<i64, HashSet<i64>>,
    pub admins: HashSet<i64>,
    /// Users who made the changes, and users that the annotations name.
    pub users: HashMap<i64, Arc<user::Model>>,
    /// API tokens that were revoked or expired since the subscribers signed in.
    pub ended_tokens: HashSet<i64>,
}

/// Accepted change of an annotation.
#[derive(Clone, Debug)]
pub struct Event {
    /// Sequence number in the log.
    pub seq: i64,
    /// Cursor that continues after the event, sealed at first use.
    pub cursor: OnceLock<Arc<str>>,
    pub annotation_id: i64,
    pub version: i32,
    pub kind: annotation_revision::Event,
    pub action: annotation::Action,
    /// Task of the annotation after the change.
    pub to: TaskRef,
    /// Task before the change, when the change moved the annotation.
    pub from: Option<TaskRef>,
    /// Author of the change.
    pub actor_id: Option<i64>,
    pub at: DateTime<Utc>,
    pub changed_fields: Arc<[String]>,
    /// Current annotation, absent after a deletion.
    pub annotation: Option<Arc<annotation::Listed>>,
}

/// Task and project of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskRef {
    pub task_id: i64,
    pub project_id: i64,
    /// True when the task still exists.
    pub has_task: bool,
}

impl Batch {
    /// Sequence number of the last event.
    pub fn last(&self) -> Option<i64> {
        self.events.last().map(|event| event.seq)
    }
}
