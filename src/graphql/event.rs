//! Events in the graph: following what happens to annotations.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use async_graphql::{Context, Enum, ID, InputObject, Object, Subscription};
use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    annotation::Annotation, context::ContextExt, filter::IDFilter, history::version_id,
    region::Budget, scalar::DateTime, task::Task, user::User,
};
use crate::{
    domain::{
        event::{self, Kind, Seen},
        filter::EnumFilter,
    },
    error::Result,
    events::LogPosition,
};

/// An event with its permit, which is held until the event is resolved.
pub struct AnnotationEvent {
    seen: Seen,
    _permit: OwnedSemaphorePermit,
}

/// Limits the events that are resolved at once: an event may have thousands of subscribers, and requests must get
/// through.
#[derive(Clone)]
pub struct EventConcurrency(Arc<Semaphore>);

impl Default for EventConcurrency {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(4 * processors)))
    }
}

impl EventConcurrency {
    async fn acquire(self, seen: Seen) -> AnnotationEvent {
        let permit = self.0.acquire_owned().await;
        AnnotationEvent {
            seen,
            _permit: permit.expect("nobody closes it"),
        }
    }
}

/// What happened to an annotation as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum AnnotationEventAction {
    /// It was made, by a person or by an import.
    Created,
    /// It changed.
    Updated,
    /// It was deleted, or moved to where you may not see it.
    Deleted,
    /// It was deleted and is back.
    Restored,
}

/// Something that happened to an annotation.
#[Object]
impl AnnotationEvent {
    /// Unique among events: the annotation's id and the version that was made, like `15:2`. An event that comes
    /// again, after its cursor was lost, has the same one.
    async fn id(&self) -> ID {
        version_id(self.seen.annotation_id, self.seen.version)
    }

    /// Where the event stands in the log: subscribe with it as `after` to go on behind it.
    async fn cursor(&self) -> &str {
        &self.seen.cursor
    }

    /// What happened.
    async fn action(&self) -> AnnotationEventAction {
        self.seen.kind.into()
    }

    /// Which annotation it happened to; it may be gone.
    async fn annotation_id(&self) -> ID {
        self.seen.annotation_id.into()
    }

    /// The annotation as it is by now, which may be newer than the event: compare its `version`. Null once it
    /// is gone, and when it is where you may not see it.
    async fn annotation(&self, ctx: &Context<'_>) -> Option<Result<Annotation>> {
        let seen = Annotation(self.seen.annotation.clone()?);
        seen.with_result(ctx).await.transpose()
    }

    /// The task that the annotation was in after the event; when it moved to where you may not see it, the one
    /// that it left. Null once the task is gone.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        let id = self.seen.task_id?;
        match ctx.wants(&[&["data"], &["meta"]]) {
            true => Task::load(ctx, id).await.transpose(),
            false => Some(Ok(Task::Id(id))),
        }
    }

    /// Who did it. Null once that user is gone, and while you may not see them.
    async fn actor(&self) -> Option<User> {
        self.seen.actor.clone().map(User)
    }

    /// The version of the annotation that it made. Events of one annotation come in the order of their
    /// versions.
    async fn version(&self) -> i32 {
        self.seen.version
    }

    /// The fields of the annotation that it changed, by their names in this schema and in alphabetical
    /// order; none when it was deleted. Those that follow every change (`version`, `updatedAt`, `lastAction`, …)
    /// are not named.
    async fn changed_fields(&self) -> &[String] {
        &self.seen.changed_fields
    }

    /// When it happened; of an imported annotation, when it was created where it comes from.
    async fn at(&self) -> DateTime {
        DateTime(self.seen.at)
    }
}

/// Matches what happened to an annotation. Parts that are given all have to match.
#[derive(InputObject)]
pub struct AnnotationEventActionFilter {
    /// Exactly this.
    eq: Option<AnnotationEventAction>,
    /// One of these.
    r#in: Option<Vec<AnnotationEventAction>>,
}

/// Which events a subscription is about. Parts that are given all have to match.
#[derive(Default, InputObject)]
pub struct AnnotationEventFilter {
    /// By annotation.
    annotation_id: Option<IDFilter>,
    /// By task: events of annotations that are in it after the event, or were before.
    task_id: Option<IDFilter>,
    /// By project: events of annotations that are in it after the event, or were before.
    project_id: Option<IDFilter>,
    /// By who did it. A user whom you may not see is nobody.
    actor_id: Option<IDFilter>,
    /// By what happened.
    action: Option<AnnotationEventActionFilter>,
}

impl From<AnnotationEventFilter> for event::Filter {
    fn from(input: AnnotationEventFilter) -> Self {
        Self {
            annotation_id: input.annotation_id.map(Into::into),
            task_id: input.task_id.map(Into::into),
            project_id: input.project_id.map(Into::into),
            actor_id: input.actor_id.map(Into::into),
            kind: input.action.map(|action| EnumFilter {
                eq: action.eq.map(Into::into),
                is_in: action
                    .r#in
                    .map(|list| list.into_iter().map(Into::into).collect()),
            }),
        }
    }
}

/// What happens from now on.
#[derive(Default)]
pub struct Subscription;

/// What can be followed live.
#[Subscription]
impl Subscription {
    /// Everything that happens to the annotations that you may see, in the order in which it was committed.
    ///
    /// Without `after` it begins with what is committed from now on. With the cursor of an event it begins
    /// behind that event, and misses nothing of what you may see by then.
    ///
    /// What you may see is decided when the server reads an event, which is right after it was committed, or
    /// when you ask for it by a cursor: what waits for you because you are slow was decided before. An annotation
    /// that moves out of your projects is DELETED to you; one that moves into them comes as UPDATED. When you
    /// join a project, read what is there already; when you leave one, nothing that happens from then on comes.
    ///
    /// Ends with LIMIT_EXCEEDED when events come faster than you take them; `extensions.cursor` leads on.
    /// When the server stops, server-sent events end without `complete`, and a WebSocket is closed with 1001: the
    /// last event's cursor leads on. When your token ends or your role changes, the stream ends with
    /// UNAUTHENTICATED or FORBIDDEN at the next event; within seconds, event or not, server-sent events end, and
    /// a WebSocket is closed with 4403.
    async fn annotation_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all unless given.")] filter: Option<AnnotationEventFilter>,
        #[graphql(
            desc = "Only what came behind this event's cursor. BAD_USER_INPUT when it is of another event log, \
                    for example from before a backup was restored."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<AnnotationEvent>>> {
        let filter = filter.unwrap_or_default().into();
        let began = *ctx.data_unchecked::<LogPosition>();
        let seen =
            event::subscribe(ctx.app(), ctx.actor(), filter, after.as_deref(), began).await?;
        let concurrency = ctx.data_unchecked::<EventConcurrency>().clone();
        let budget = ctx.data_unchecked::<Budget>().clone();
        Ok(seen.then(move |seen| {
            let concurrency = concurrency.clone();
            // The event before was answered: the next one is asked for only then.
            budget.renew();
            async move { Ok(concurrency.acquire(seen?).await) }
        }))
    }
}
