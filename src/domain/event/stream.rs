//! Subscription to events: replays the log, then continues with live events, without gaps or duplicates.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{FutureExt, Stream, future::BoxFuture, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::task::AbortOnDropHandle;

use super::{super::access::Actor, Filter, Log, VisibleEvent, log, reading};
use crate::{
    app::App,
    error::{Error, Reason, Result},
    events::{Batch, Event, LogPosition},
};

/// Events before the end of the log that are searched when commits race with the start of a subscription.
const RACING: i64 = 10_000;

struct Subscription {
    app: App,
    actor: Actor,
    filter: Filter,
    /// Log of the cursors.
    log: Log,
    /// Event number up to which all events are delivered or skipped.
    position: i64,
    start: Start,
    news: Receiver<Arc<Batch>>,
    /// Ends when the server stops.
    stopped: BoxFuture<'static, ()>,
    /// Events read and not yet delivered.
    ready: VecDeque<VisibleEvent>,
    state: State,
}

/// Excludes events committed before the subscription began.
#[derive(Clone, Copy)]
struct Start {
    /// Last event to which the exclusion applies.
    until: i64,
    began: LogPosition,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Reads the log up to the end.
    Replaying,
    /// Has read the log to the end and received no live events.
    CaughtUp,
    Live,
}

/// Streams the events after a cursor, or else from a moment just passed.
///
/// The stream includes each event whose commit this process began after that moment. Ends with the first error.
pub async fn subscribe(
    app: &App,
    actor: &Actor,
    filter: Filter,
    after: Option<&str>,
    began: LogPosition,
) -> Result<impl Stream<Item = Result<VisibleEvent>> + Send + 'static + use<>> {
    // Listens before the end is read: an event between the two arrives twice, and `take` drops the second copy by its
    // number.
    let news = app.events.listen(reading::for_all).await?;
    if after.is_none() {
        // Waits for the numbers of commits that this process has acknowledged: an event numbered later would appear
        // new.
        app.events.flush().await?;
    }
    let log = log::current(app).await?;
    let end = match after {
        Some(_) => app.events.last_seq(&app.db).await?,
        None => app.events.end(&app.db).await?,
    };
    let position = match after {
        Some(cursor) => log.open(cursor, end)?,
        None if app.events.is_quiet_since(&began) => end,
        None => {
            // Bounds the search: an event committed since has a number above the watermark, and at most `RACING` of
            // these are searched.
            let known = began.watermark.max(end - RACING);
            reading::before_first_of(app, known, end, began.horizon).await?
        }
    };
    let until = match after {
        Some(_) => position,
        None => end,
    };
    let events = app.events.clone();
    let stopped = async move { events.stopped().await };
    let subscription = Subscription {
        app: app.clone(),
        actor: actor.clone(),
        filter,
        log,
        position,
        start: Start { until, began },
        news,
        stopped: stopped.boxed(),
        ready: VecDeque::new(),
        state: State::Replaying,
    };
    Ok(stream::unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        match subscription.next().await {
            Ok(seen) => Some((Ok(seen), Some(subscription))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Subscription {
    async fn next(&mut self) -> Result<VisibleEvent> {
        loop {
            if let Some(seen) = self.ready.pop_front() {
                return Ok(seen);
            }
            if self.state == State::Replaying {
                self.replay().await?;
            } else {
                self.receive().await?;
            }
        }
    }

    async fn replay(&mut self) -> Result<()> {
        let (app, actor, filter) = (self.app.clone(), self.actor.clone(), self.filter.clone());
        let (position, since) = (self.position, self.start.began.at);
        let read = async move {
            let end = app.events.end(&app.db).await?;
            let batch = reading::for_one(&app, &actor, &filter, position, since).await?;
            Ok((end, batch))
        };
        // Spawns the reads: a slow client delays the polls of this stream, and an unpolled statement would keep a
        // connection to the database.
        let read = AbortOnDropHandle::new(tokio::spawn(read)).await;
        let (end, batch) = read.unwrap_or_else(|_| Err(Error::unavailable(Reason::Stopping)))?;
        self.take(&batch)?;
        if !batch.has_more {
            // Events after the replay are in the channel, which was opened first.
            self.state = State::CaughtUp;
            // Skips events that do not match: the next replay does not read them again.
            self.position = self.position.max(end);
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<()> {
        let news = tokio::select! {
            // Delivers batches already received before the end of the stream.
            biased;
            news = self.news.recv() => news,
            () = &mut self.stopped => Err(RecvError::Closed),
        };
        match news {
            Ok(batch) => {
                self.state = State::Live;
                self.take(&batch)
            }
            // The channel overflowed during the replay. The subscriber is not at fault, so the replay starts again
            // from the position.
            Err(RecvError::Lagged(_)) if self.state == State::CaughtUp => {
                self.news = self.news.resubscribe();
                self.state = State::Replaying;
                Ok(())
            }
            // A live subscriber that lags has to resume by cursor: unbounded buffers would hold the server's memory.
            Err(RecvError::Lagged(_)) => Err(Error::TooSlow {
                cursor: self.log.seal(self.position),
            }),
            Err(RecvError::Closed) => Err(Error::unavailable(Reason::Stopping)),
        }
    }

    /// Keeps what the viewer sees of a batch.
    fn take(&mut self, batch: &Batch) -> Result<()> {
        if batch.events.is_empty() {
            return Ok(());
        }
        if batch.ended_tokens.contains(&self.actor.token_id) {
            return Err(Error::Unauthenticated);
        }
        // Nested fields are resolved with the role that the actor had at the subscription, so a changed role ends the
        // stream.
        if batch.admins.contains(&self.actor.id()) != self.actor.is_admin() {
            return Err(Error::Forbidden("your role has changed: subscribe again"));
        }
        for event in &batch.events {
            if event.seq <= self.position {
                continue;
            }
            self.position = event.seq;
            if self.start.is_skipped(event) {
                continue;
            }
            let seen = self.filter.visible_to(&self.actor, batch, event, &self.log);
            self.ready.extend(seen);
        }
        Ok(())
    }
}

impl Start {
    /// Excludes an event up to the start position whose instant precedes the horizon: all transactions that this
    /// process commits later began after the horizon, so the event was committed before. Imports run outside the
    /// server, so their events may be excluded even when committed later.
    fn is_skipped(&self, event: &Event) -> bool {
        event.seq <= self.until && event.at < self.began.horizon
    }
}
