//! A subscription: first what the log has, then what comes, without a gap and nothing twice.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{Stream, stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    super::access::Actor,
    Filter, Log, Seen, log,
    reading::{self, MOST},
};
use crate::{
    app::App,
    error::{Error, Reason, Result},
    events::{Batch, Event, LogPosition},
};

/// Events before the end of the log that are looked through when commits race with a beginning.
const RACING: i64 = 10_000;

struct Subscription {
    app: App,
    actor: Actor,
    filter: Filter,
    /// Which log the cursors are of.
    log: Log,
    /// Everything up to here is behind us.
    position: i64,
    start: Start,
    news: Receiver<Arc<Batch>>,
    /// What has been read and waits to be taken.
    ready: VecDeque<Seen>,
    state: State,
}

/// Which of the events that may have been committed before the subscription are not for it.
#[derive(Clone, Copy)]
struct Start {
    /// None behind this one.
    until: i64,
    began: LogPosition,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Reads the log up to its end.
    Replaying,
    /// Has read the log, and nothing that came since.
    CaughtUp,
    Live,
}

/// The events behind a cursor, or else those since a moment that has just passed.
///
/// Whatever this process began to commit since that moment is among them. Ends with the first error.
pub async fn subscribe(
    app: &App,
    actor: &Actor,
    filter: Filter,
    after: Option<&str>,
    began: LogPosition,
) -> Result<impl Stream<Item = Result<Seen>> + Send + 'static + use<>> {
    let news = app.events.listen(reading::for_all).await?;
    if after.is_none() {
        app.events.flush().await?;
    }
    let log = log::current(app).await?;
    let end = match after {
        Some(_) => app.events.last_seq().await?,
        None => app.events.end().await?,
    };
    let position = match after {
        Some(cursor) => log.open(cursor, end)?,
        None if app.events.is_quiet_since(&began) => end,
        None => {
            let known = began.watermark.max(end - RACING);
            reading::before_first_of(app, known, end, began.horizon).await?
        }
    };
    let until = match after {
        Some(_) => position,
        None => end,
    };
    let subscription = Subscription {
        app: app.clone(),
        actor: actor.clone(),
        filter,
        log,
        position,
        start: Start { until, began },
        news,
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
    async fn next(&mut self) -> Result<Seen> {
        loop {
            if let Some(seen) = self.ready.pop_front() {
                return Ok(seen);
            }
            if self.state == State::Replaying {
                self.replay().await?;
            } else {
                self.hear().await?;
            }
        }
    }

    async fn replay(&mut self) -> Result<()> {
        let (app, actor) = (&self.app, &self.actor);
        let end = app.events.end().await?;
        let batch =
            reading::for_one(app, actor, &self.filter, self.position, self.start.began.at).await?;
        self.take(&batch)?;
        if (batch.events.len() as u64) < MOST {
            // What has come since is among the news: they were listened to before.
            self.state = State::CaughtUp;
            // What doesn't match is behind us, too, and is not looked through again.
            self.position = self.position.max(end);
        }
        Ok(())
    }

    async fn hear(&mut self) -> Result<()> {
        let news = tokio::select! {
            // What has been read already is told before the end.
            biased;
            news = self.news.recv() => news,
            () = self.app.events.stopped() => Err(RecvError::Closed),
        };
        match news {
            Ok(batch) => {
                self.state = State::Live;
                self.take(&batch)
            }
            // The news were too many while the log was read, which is no fault of the subscriber's.
            Err(RecvError::Lagged(_)) if self.state == State::CaughtUp => {
                self.news = self.news.resubscribe();
                self.state = State::Replaying;
                Ok(())
            }
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
        // What lies deeper than the events is read as the actor that they were, so that must still be true.
        if batch.admins.contains(&self.actor.id()) != self.actor.is_admin() {
            return Err(Error::Forbidden("your role has changed: subscribe again"));
        }
        for event in &batch.events {
            if event.seq <= self.position {
                continue;
            }
            self.position = event.seq;
            if self.start.leaves_out(event) {
                continue;
            }
            let seen = self.filter.sight(&self.actor, batch, event, &self.log);
            self.ready.extend(seen);
        }
        Ok(())
    }
}

impl Start {
    /// The event was committed before, beyond doubt; or it is of an import, which is no work of a server, so
    /// that nobody can tell whether it was committed before or after.
    fn leaves_out(&self, event: &Event) -> bool {
        event.seq <= self.until && event.at < self.began.horizon
    }
}
