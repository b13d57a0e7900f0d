//! Subscription to events of annotations (`docs/decisions/0007-events.md`).

use std::{
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use async_graphql::{Context, Enum, ID, InputObject, Object, Subscription};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    annotation::Annotation,
    context::{At, ContextExt},
    filter::IDFilter,
    history::version_id,
    loader::Current,
    region::Budget,
    scalar::DateTime,
    task::{DATA, Task},
    user::User,
    viewer::Viewer,
};
use crate::{
    domain::{
        event::{self, Kind, VisibleEvent},
        filter::EnumFilter,
    },
    error::Result,
    events::LogPosition,
};

/// An event with its permit, which is held until the event is resolved.
pub struct AnnotationEvent {
    seen: VisibleEvent,
    _permit: OwnedSemaphorePermit,
}

/// Limits the events that are resolved at once: an event may have thousands of subscribers, and requests must get
/// through.
#[derive(Clone)]
pub struct EventConcurrency(Arc<Semaphore>);

impl Default for EventConcurrency {
    fn default() -> Self {
        // Four events per processor: each may wait for the database while the next is computed.
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(4 * processors)))
    }
}

impl EventConcurrency {
    async fn acquire(self, seen: VisibleEvent) -> AnnotationEvent {
        // The permit lives as long as the event's answer is computed: it bounds all subscriptions together.
        let permit = self.0.acquire_owned().await;
        AnnotationEvent {
            seen,
            _permit: permit.expect("nobody closes it"),
        }
    }
}

/// Events of a subscription, each as its viewer sees it, or the error that ends the subscription.
pub type Events = BoxStream<'static, Result<VisibleEvent>>;

/// Channels of a subscription's root field: the field sends all events out, and resolves the events that come back. An
/// event with an existing answer does not come back.
pub struct Feed {
    events: oneshot::Sender<Events>,
    wanted: mpsc::Receiver<Result<VisibleEvent>>,
}

/// Opposite ends of a [`Feed`].
pub struct Source {
    /// Receives the events once the arguments of the root field are valid.
    pub events: oneshot::Receiver<Events>,
    /// Sends an event to be resolved.
    pub wanted: mpsc::Sender<Result<VisibleEvent>>,
}

/// Connects the root field of a subscription, which finds its ends in the data of the request.
pub fn feed() -> (Mutex<Option<Feed>>, Source) {
    let (sender, events) = oneshot::channel();
    let (wanted, receiver) = mpsc::channel(1);
    let feed = Feed {
        events: sender,
        wanted: receiver,
    };
    (Mutex::new(Some(feed)), Source { events, wanted })
}

/// Kind of an event.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum AnnotationEventAction {
    /// The annotation was created, by a person or by an import.
    Created,
    /// The annotation was changed.
    Updated,
    /// The annotation was deleted, or moved to a project that you may not see.
    Deleted,
    /// The annotation was deleted and is back.
    Restored,
}

/// An accepted change of an annotation, in commit order.
#[Object]
impl AnnotationEvent {
    /// Unique among events: the annotation's id and the new version, like `15:2`. A repeated event, after a
    /// lost cursor, has the same id.
    async fn id(&self) -> ID {
        version_id(self.seen.annotation_id, self.seen.version)
    }

    /// Position of the event in the log: subscribe with the value as `after` to resume behind the event.
    async fn cursor(&self) -> &str {
        &self.seen.cursor
    }

    /// Kind of the event.
    async fn action(&self) -> AnnotationEventAction {
        self.seen.kind.into()
    }

    /// Id of the changed annotation, which may be deleted by now.
    async fn annotation_id(&self) -> ID {
        self.seen.annotation_id.into()
    }

    /// The current annotation, which may be newer than the event: compare `version`. Null after the
    /// deletion, and while you may not see the annotation.
    async fn annotation(&self, ctx: &Context<'_>) -> Option<Result<Annotation>> {
        let seen = Annotation(self.seen.annotation.clone()?);
        seen.with_result(ctx).await.transpose()
    }

    /// The task of the annotation after the event; the task before the event when the annotation moved to a
    /// task that you may not see. Null after the task's deletion.
    async fn task(&self, ctx: &Context<'_>) -> Option<Result<Task>> {
        let id = self.seen.task_id?;
        // Without `data` and `meta`, the id suffices, and no row is read.
        match ctx.times(At::Object, DATA) > 0 {
            true => Task::load(ctx, id).await.transpose(),
            false => Some(Ok(Task::Id(id))),
        }
    }

    /// The user who made the change. Null after the user's deletion, and while you may not see the user.
    async fn actor(&self) -> Option<User> {
        self.seen.actor.clone().map(User)
    }

    /// The new version of the annotation. Events of the same annotation come in the order of their
    /// versions.
    async fn version(&self) -> i32 {
        self.seen.version
    }

    /// Changed fields of the annotation, by their names in this schema and in alphabetical order; empty for
    /// a deletion. Fields that follow every change (`version`, `updatedAt`, `lastAction`, …) are not
    /// listed.
    async fn changed_fields(&self) -> &[String] {
        &self.seen.changed_fields
    }

    /// Time of the change; for an imported annotation, the creation time in the file.
    async fn at(&self) -> DateTime {
        DateTime(self.seen.at)
    }
}

/// Condition on the kind of the event. Every given part has to match.
#[derive(InputObject)]
pub struct AnnotationEventActionFilter {
    /// Equal to this value.
    eq: Option<AnnotationEventAction>,
    /// Equal to a value of the list.
    r#in: Option<Vec<AnnotationEventAction>>,
}

/// Condition on the events of a subscription. Every given part has to match.
#[derive(Default, InputObject)]
pub struct AnnotationEventFilter {
    /// By annotation.
    annotation_id: Option<IDFilter>,
    /// By task: events of annotations that are in the task after the event, or were before.
    task_id: Option<IDFilter>,
    /// By project: events of annotations that are in the project after the event, or were before.
    project_id: Option<IDFilter>,
    /// By the user who made the change. A user whom you may not see matches no event.
    actor_id: Option<IDFilter>,
    /// By kind of the event.
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

/// Root fields of subscriptions.
#[derive(Default)]
pub struct Subscription;

/// Live updates.
#[Subscription]
impl Subscription {
    /// Events of all annotations that you may see, in commit order.
    ///
    /// Without `after` the subscription begins with the next commit. With the cursor of an event the
    /// subscription begins behind that event, and delivers every later event that you may see.
    ///
    /// The server decides what you may see when reading an event, which is right after the commit, or when
    /// you ask by a cursor; events that wait for a slow client were decided before. An annotation that
    /// moves out of your projects is DELETED for you; an annotation that moves into your projects is
    /// UPDATED. After joining a project, read its current state; after leaving a project, you receive no
    /// more of its events.
    ///
    /// Ends with LIMIT_EXCEEDED when events come faster than you receive them; resume from
    /// `extensions.cursor`. When the server stops, server-sent events end without `complete`, and a
    /// WebSocket is closed with 1001: resume from the last event's cursor. When your token ends or your
    /// role changes, the stream ends with UNAUTHENTICATED or FORBIDDEN at the next event; within seconds,
    /// event or not, server-sent events end, and a WebSocket is closed with 4403.
    async fn annotation_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Condition on the items; all items unless given.")] filter: Option<
            AnnotationEventFilter,
        >,
        #[graphql(
            desc = "Resume behind the event with this cursor. BAD_USER_INPUT for a cursor of a different event log, for \
                    example from before a backup was restored."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<AnnotationEvent>>> {
        let filter = filter.unwrap_or_default().into();
        // The position was taken when the operation arrived, so that no commit after that moment is missed.
        let began = *ctx.data_unchecked::<LogPosition>();
        let events =
            event::subscribe(ctx.app(), ctx.actor(), filter, after.as_deref(), began).await?;
        let feed = ctx.data_unchecked::<Mutex<Option<Feed>>>();
        let feed = feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Feed {
            events: sender,
            wanted,
        } = feed.expect("a subscription has a single root field");
        // Fails when the subscriber has left.
        let _ = sender.send(events.boxed());
        let concurrency = ctx.data_unchecked::<EventConcurrency>().clone();
        let budget = ctx.data_unchecked::<Budget>().clone();
        let loader = ctx.data_unchecked::<Current>().clone();
        let viewer = ctx.data_unchecked::<Viewer>().clone();
        Ok(ReceiverStream::new(wanted).then(move |seen| {
            let concurrency = concurrency.clone();
            // The previous event is answered once the stream is polled again, so its budget is free.
            budget.renew();
            loader.renew();
            viewer.begin(seen.as_ref().map_or(&[], |seen| &seen.users));
            async move { Ok(concurrency.acquire(seen?).await) }
        }))
    }
}
