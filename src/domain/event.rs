//! Events: what happens to the annotations that somebody may see, in commit order, from any point on.

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

/// What happened to an annotation, as somebody sees it.
pub type Kind = annotation_revision::Event;

/// Which events a subscription is about; every part that is given has to match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub annotation_id: Option<IdFilter>,
    /// The task that the annotation is in after the event, or was in before.
    pub task_id: Option<IdFilter>,
    /// The project that the annotation is in after the event, or was in before.
    pub project_id: Option<IdFilter>,
    pub actor_id: Option<IdFilter>,
    pub kind: Option<EnumFilter<Kind>>,
}

/// An event as one viewer sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Leads on from behind this event.
    pub cursor: Arc<str>,
    pub kind: Kind,
    pub annotation_id: i64,
    /// The version that the change made.
    pub version: i32,
    /// The annotation as it is by now; nothing once it is gone or out of the viewer's sight. A large result
    /// is left out as an empty text.
    pub annotation: Option<Arc<annotation::Model>>,
    /// The task that the annotation is in after the change; to those who see no more than where it was,
    /// that one. Nothing once the task is gone.
    pub task_id: Option<i64>,
    /// Who made the change; nothing once they are gone, and while the viewer may not see them.
    pub actor: Option<Arc<user::Model>>,
    pub changed_fields: Arc<[String]>,
    pub at: DateTime<Utc>,
}

impl Filter {
    /// Lets through what any viewer could match, and perhaps more: [`Filter::sight`] decides.
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

    /// What the viewer sees of an event; nothing when it is out of their sight or does not match.
    ///
    /// To somebody who sees where the annotation was but not where it went, it is deleted: they get nothing
    /// of it any more, and nothing here tells where it is.
    fn sight(&self, viewer: &Actor, batch: &Batch, event: &Event, log: &Log) -> Option<Seen> {
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
        let actor = event.actor.as_ref();
        let actor = actor.filter(|actor| access::sees_user(batch, viewer, actor.id));
        // Nobody is found by an actor whom they may not see.
        let is_by = |filter: &IdFilter| actor.is_some_and(|actor| filter.matches(actor.id));
        let is_wanted = [to, from].iter().flatten().any(is_here)
            && matches(&self.annotation_id, event.annotation_id)
            && self.actor_id.as_ref().is_none_or(is_by)
            && self.kind.as_ref().is_none_or(|kinds| kinds.matches(&kind));
        is_wanted.then(|| Seen {
            // The same for all who subscribe.
            cursor: event
                .cursor
                .get_or_init(|| log.seal(event.seq).into())
                .clone(),
            kind,
            annotation_id: event.annotation_id,
            version: event.version,
            annotation: event
                .annotation
                .clone()
                .filter(|row| to.is_some() && access::sees_project(batch, viewer, row.project_id)),
            task_id: place.has_task.then_some(place.task_id),
            actor: actor.cloned(),
            changed_fields: match to {
                Some(_) => event.changed_fields.clone(),
                None => Arc::default(),
            },
            at: event.at,
        })
    }
}

fn matches(filter: &Option<IdFilter>, id: i64) -> bool {
    filter.as_ref().is_none_or(|filter| filter.matches(id))
}
