//! Events of the annotations that a viewer may see, in commit order, from any position of the log
//! (`docs/decisions/0007-events.md`).

mod cursor;
mod log;
mod reading;
mod stream;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{annotation, annotation_revision, user};
use sea_orm::{ColumnTrait, Condition};

use self::cursor::Log;
pub use self::{log::renew, stream::subscribe};
use super::{
    access::{self, Actor},
    filter::{EnumFilter, IdFilter},
};
use crate::events::{Batch, Event, TaskRef};

/// Kind of change to an annotation, from the viewer's perspective.
pub type Kind = annotation_revision::Event;

/// Conditions on the events of a subscription; an event has to match each condition that is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub annotation_id: Option<IdFilter>,
    /// Task of the annotation after or before the event.
    pub task_id: Option<IdFilter>,
    /// Project of the annotation after or before the event.
    pub project_id: Option<IdFilter>,
    pub actor_id: Option<IdFilter>,
    pub kind: Option<EnumFilter<Kind>>,
}

/// Identity of an event as some viewers see it: events with equal views are equal in every part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Number of the read, which decided on the rights of all viewers.
    batch: u64,
    seq: i64,
    /// True for viewers who see the place of the annotation after the change.
    sees_place: bool,
    sees_annotation: bool,
    sees_actor: bool,
    /// Visibility of each user that the annotation names, as bits.
    users: u8,
}

#[cfg(test)]
impl View {
    /// View of an event, for tests.
    pub fn of_event(seq: i64) -> Self {
        Self {
            batch: 0,
            seq,
            sees_place: true,
            sees_annotation: true,
            sees_actor: true,
            users: 0,
        }
    }
}

/// Event as seen by a single viewer.
#[derive(Clone, Debug)]
pub struct VisibleEvent {
    /// Identity among viewers with equal rights; absent for an event that a single subscriber has read.
    pub view: Option<View>,
    /// Position right after this event; a subscription from here continues without this event.
    pub cursor: Arc<str>,
    pub kind: Kind,
    pub annotation_id: i64,
    /// Version created by the change.
    pub version: i32,
    /// Current state of the annotation, or `None` once the annotation is deleted or invisible to the viewer. A large
    /// result is left out.
    pub annotation: Option<Arc<annotation::Listed>>,
    /// Task of the annotation after the change; the former task for viewers who see the former project alone. `None`
    /// once the task is deleted.
    pub task_id: Option<i64>,
    /// Author of the change, or `None` for a deleted user, or a user whom the viewer may not see.
    pub actor: Option<Arc<user::Model>>,
    /// Users that the annotation names, and whether the viewer may see each.
    pub users: Vec<(Arc<user::Model>, bool)>,
    pub changed_fields: Arc<[String]>,
    pub at: DateTime<Utc>,
}

impl Filter {
    /// Builds a superset of the filter as SQL: matches each event that some viewer could match. [`Filter::visible_to`]
    /// decides.
    fn condition(&self) -> Condition {
        use annotation_revision::Column::{
            ActorId, AnnotationId, Event, FromProjectId, FromTaskId, ProjectId, TaskId,
        };
        let places = |filter: &Option<IdFilter>, to, from| {
            let ids = filter.as_ref()?;
            let any: Condition = Condition::any()
                .add(ids.condition(to))
                .add(ids.condition(from));
            Some(any)
        };
        // A move out of the viewer's projects is read for `Deleted` as well: to that viewer the move is a deletion.
        let kinds = self.kind.as_ref().map(|kinds| {
            let any = Condition::any().add(kinds.condition(Event));
            any.add_option(
                kinds
                    .matches(&Kind::Deleted)
                    .then(|| FromProjectId.is_not_null()),
            )
        });
        let ids = |filter: &Option<IdFilter>, column: annotation_revision::Column| {
            filter.as_ref().map(|ids| ids.condition(column))
        };
        Condition::all()
            .add_option(ids(&self.annotation_id, AnnotationId))
            .add_option(ids(&self.actor_id, ActorId))
            .add_option(places(&self.task_id, TaskId, FromTaskId))
            .add_option(places(&self.project_id, ProjectId, FromProjectId))
            .add_option(kinds)
    }

    /// Builds the viewer's event, or `None` when the event is invisible to the viewer or does not match the filter.
    ///
    /// A viewer who sees the former project but not the new project gets a deletion, without changed fields and
    /// without the new location.
    fn visible_to(
        &self,
        viewer: &Actor,
        batch: &Batch,
        event: &Event,
        log: &Log,
    ) -> Option<VisibleEvent> {
        let viewer = viewer.id();
        let sees = |place: &TaskRef| access::sees_project(batch, viewer, place.project_id);
        let to = Some(event.to).filter(sees);
        let from = event.from.filter(sees);
        let place = to.or(from)?;
        let kind = match to {
            Some(_) => event.kind,
            None => Kind::Deleted,
        };
        let is_here = |place: &TaskRef| {
            matches(&self.task_id, place.task_id) && matches(&self.project_id, place.project_id)
        };
        let sees_user = |user: &Arc<user::Model>| access::sees_user(batch, viewer, user.id);
        let actor = event.actor_id.and_then(|id| batch.users.get(&id));
        let actor = actor.filter(|actor| sees_user(actor));
        // Matches `actor` against visible users alone: a match would otherwise reveal an invisible user.
        let is_by = |filter: &IdFilter| actor.is_some_and(|actor| filter.matches(actor.id));
        let is_wanted = [to, from].iter().flatten().any(is_here)
            && matches(&self.annotation_id, event.annotation_id)
            && self.actor_id.as_ref().is_none_or(is_by)
            && self.kind.as_ref().is_none_or(|kinds| kinds.matches(&kind));
        if !is_wanted {
            return None;
        }
        let annotation = event.annotation.as_ref();
        let annotation = annotation
            .filter(|row| to.is_some() && access::sees_project(batch, viewer, row.project_id));
        let named = annotation.into_iter().flat_map(|row| named_users(row));
        let named = named.filter_map(|id| batch.users.get(&id));
        // Mostly the author of the change, on whom is decided already.
        let is_visible =
            |user| actor.is_some_and(|actor| Arc::ptr_eq(actor, user)) || sees_user(user);
        let users: Vec<_> = named.map(|user| (user.clone(), is_visible(user))).collect();
        let view = batch.number.map(|batch| View {
            batch,
            seq: event.seq,
            sees_place: to.is_some(),
            sees_annotation: annotation.is_some(),
            sees_actor: actor.is_some(),
            users: users
                .iter()
                .fold(0, |bits, (_, is_visible)| bits << 1 | u8::from(*is_visible)),
        });
        Some(VisibleEvent {
            view,
            // Seals a cursor once per event and shares the text between all subscribers.
            cursor: event
                .cursor
                .get_or_init(|| log.seal(event.seq).into())
                .clone(),
            kind,
            annotation_id: event.annotation_id,
            version: event.version,
            annotation: annotation.cloned(),
            task_id: place.has_task.then_some(place.task_id),
            actor: actor.cloned(),
            users,
            // The names of changed fields would describe a change in a project that the viewer does not see.
            changed_fields: match to {
                Some(_) => event.changed_fields.clone(),
                None => Arc::default(),
            },
            at: event.at,
        })
    }
}

/// Ids of the users that an annotation names.
fn named_users(row: &annotation::Listed) -> impl Iterator<Item = i64> + use<> {
    let (author, updater, last) = (
        row.completed_by_id,
        row.updated_by_id,
        row.last_created_by_id,
    );
    // Mostly the same user three times.
    let updater = updater.filter(|id| Some(*id) != author);
    let last = last.filter(|id| Some(*id) != author && Some(*id) != updater);
    [author, updater, last].into_iter().flatten()
}

fn matches(filter: &Option<IdFilter>, id: i64) -> bool {
    filter.as_ref().is_none_or(|filter| filter.matches(id))
}
