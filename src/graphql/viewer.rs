//! Actor of an operation, with a record of whether an answer depends on the actor.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use entity::user;

use crate::domain::{access::Actor, user::UserWithVisibility};

/// Actor of an operation. Cheap to clone; clones share the record.
///
/// Resolvers reach the actor through [`Viewer::actor`] alone, so an answer during which nobody called it is the same
/// for every actor.
#[derive(Clone)]
pub struct Viewer(Arc<Inner>);

struct Inner {
    actor: Actor,
    was_asked: AtomicBool,
    /// Users whose visibility to the actor is known from the event at hand.
    users: Mutex<Vec<Arc<UserWithVisibility>>>,
}

impl Viewer {
    /// Viewer of an operation's answers.
    pub fn new(actor: Actor) -> Self {
        Self(Arc::new(Inner {
            actor,
            was_asked: AtomicBool::new(false),
            users: Mutex::default(),
        }))
    }

    /// Returns the actor. From here on the answer depends on the actor.
    pub fn actor(&self) -> &Actor {
        self.0.was_asked.store(true, Ordering::Relaxed);
        &self.0.actor
    }

    /// Id of the actor, for shares and quotas; answers must not depend on the id.
    pub fn account(&self) -> i64 {
        self.0.actor.id()
    }

    /// Begins the record of an event's answer. The visibility of these users belongs to the event.
    pub fn begin(&self, users: &[(Arc<user::Model>, bool)]) {
        let users = users.iter().map(|(user, is_visible)| {
            Arc::new(UserWithVisibility {
                user: user.clone(),
                is_visible: *is_visible,
            })
        });
        *self.users() = users.collect();
        self.0.was_asked.store(false, Ordering::Relaxed);
    }

    /// Says whether the answer depends on the actor.
    pub fn was_asked(&self) -> bool {
        self.0.was_asked.load(Ordering::Relaxed)
    }

    /// Returns a user whose visibility is known from the event at hand.
    pub fn user_of_event(&self, id: i64) -> Option<Arc<UserWithVisibility>> {
        self.users().iter().find(|user| user.user.id == id).cloned()
    }

    fn users(&self) -> std::sync::MutexGuard<'_, Vec<Arc<UserWithVisibility>>> {
        let users = self.0.users.lock();
        users.unwrap_or_else(PoisonError::into_inner)
    }
}
