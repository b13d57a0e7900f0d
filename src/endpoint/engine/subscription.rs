//! Running subscription: events, and the answers to events.

use std::sync::Arc;

use async_graphql::Response;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use tokio::sync::mpsc;

use super::super::{
    chunks::LeasedResponse,
    document::Fingerprint,
    fan_out::{Account, Answer, Claim, FanOut, Key, Shared},
    workarounds::subscription,
};
use crate::{
    app::{App, Memory},
    domain::event::VisibleEvent,
    error::Result,
    graphql::{error, event, viewer::Viewer},
};

/// Subscription before the first event.
pub struct Opening {
    pub app: App,
    pub account: Account,
    pub viewer: Viewer,
    pub operation: Fingerprint,
    pub fan_out: FanOut,
    /// Responses of the schema to the events that `source` sends.
    pub responses: BoxStream<'static, Response>,
    pub source: event::Source,
}

struct Subscription {
    /// Absent after a failed operation.
    schema: Option<Schema>,
    app: App,
    account: Account,
    operation: Fingerprint,
    /// True when the last answer depended on the actor.
    depends_on_actor: bool,
    fan_out: FanOut,
    events: event::Events,
}

/// Resolves events by the schema.
struct Schema {
    app: App,
    viewer: Viewer,
    responses: BoxStream<'static, Response>,
    wanted: mpsc::Sender<Result<VisibleEvent>>,
}

/// Last answer of a subscription, or `None` when the stream ends without.
type Last = Option<Arc<Answer>>;

impl Opening {
    /// Answers of the events, in order. The task that polls the stream takes existing answers; resolving runs as an
    /// operation of the user.
    pub fn into_answers(self) -> impl Stream<Item = Arc<Answer>> + Send + 'static {
        let (compute, user_id) = (self.app.compute.clone(), self.account.user_id);
        let opened = async move {
            let opened = compute.run(user_id, None, 0, self.open()).await;
            opened.unwrap_or_else(|_| Err(Some(failed())))
        };
        stream::once(opened)
            .flat_map(|opened| match opened {
                Ok(subscription) => stream::unfold(Some(subscription), async |subscription| {
                    let mut subscription = subscription?;
                    match subscription.next().await {
                        Ok(answer) => Some((answer, Some(subscription))),
                        Err(last) => Some((last?, None)),
                    }
                })
                .left_stream(),
                Err(last) => stream::iter(last).right_stream(),
            })
            .fuse()
    }

    /// Runs the root field.
    async fn open(self) -> Result<Box<Subscription>, Last> {
        let mut schema = Schema {
            app: self.app.clone(),
            viewer: self.viewer,
            responses: self.responses,
            wanted: self.source.wanted,
        };
        let opened = tokio::select! {
            response = schema.responses.next() => Err(response),
            events = self.source.events => events.map_err(|_| None),
        };
        let events = match opened {
            Ok(events) => events,
            Err(Some(response)) => return Err(Some(schema.answer(response))),
            // The field ended without events: the response says why.
            Err(None) => return Err(schema.response().await),
        };
        Ok(Box::new(Subscription {
            schema: Some(schema),
            app: self.app,
            account: self.account,
            operation: self.operation,
            depends_on_actor: false,
            fan_out: self.fan_out,
            events,
        }))
    }
}

impl Subscription {
    async fn next(&mut self) -> Result<Arc<Answer>, Last> {
        let event = match self.events.next().await.ok_or(None)? {
            Ok(event) => event,
            // The schema formats the error.
            Err(error) => return Err(Some(self.run(Err(error), None).await?.answer)),
        };
        let Some(view) = event.view else {
            return Ok(self.run(Ok(event), None).await?.answer);
        };
        let mut key = Key {
            operation: self.operation,
            view,
            account: self.depends_on_actor.then_some(self.account),
        };
        let mut shared = self.shared(key, &event).await?;
        if !shared.is_for(self.account) {
            // Looks again by actor: the answer depends on the actor.
            key.account = Some(self.account);
            shared = self.shared(key, &event).await?;
        }
        // An operation is mostly the same in this for all events.
        self.depends_on_actor = shared.only_for.is_some() && !shared.answer.has_errors();
        Ok(shared.answer)
    }

    /// Finds the answer, or resolves the event.
    async fn shared(&mut self, key: Key, event: &VisibleEvent) -> Result<Shared, Last> {
        let cell = self.fan_out.cell(key);
        loop {
            if let Some(shared) = cell.answer() {
                return Ok(shared);
            }
            match cell.claim() {
                Ok(claim) => return self.run(Ok(event.clone()), Some(claim)).await,
                Err(due) => cell.settled(due).await,
            }
        }
    }

    /// Runs the schema for an event as an operation of its own: the time of all events together has no bound.
    async fn run(
        &mut self,
        event: Result<VisibleEvent>,
        claim: Option<Claim>,
    ) -> Result<Shared, Last> {
        let mut schema = self.schema.take().ok_or(None)?;
        let account = self.account;
        // Publishes the answer within the operation, because a slow client polls this subscription late.
        let run = async move {
            let shared = schema.resolve(event).await.map(|answer| Shared {
                // A failure may be of this actor's share alone, and pass.
                only_for: (schema.viewer.was_asked() || answer.has_errors()).then_some(account),
                answer,
            });
            if let (Some(claim), Some(shared)) = (claim, &shared) {
                claim.finish(shared.clone());
            }
            (schema, shared)
        };
        let ran = self.app.compute.run(account.user_id, None, 0, run);
        let (schema, shared) = ran.await.map_err(|_| Some(failed()))?;
        self.schema = Some(schema);
        shared.ok_or(None)
    }
}

impl Schema {
    /// Resolves an event, or formats the error that ends the subscription. Returns nothing after the schema's end.
    async fn resolve(&mut self, event: Result<VisibleEvent>) -> Last {
        // Fails when the schema has ended, which the response tells.
        let _ = self.wanted.send(event).await;
        self.response().await
    }

    async fn response(&mut self) -> Last {
        let response = self.responses.next().await?;
        Some(self.answer(response))
    }

    fn answer(&self, response: Response) -> Arc<Answer> {
        let response = error::assign_codes(&self.app, response);
        let response = subscription::without_root_path(response);
        // Each answer starts with a full budget.
        let lease = self.app.budget.take();
        Arc::new(Answer::new(LeasedResponse { response, lease }))
    }
}

/// Answer of an operation that ended in a panic, which is in the log.
fn failed() -> Arc<Answer> {
    let error = error::request_error(error::INTERNAL_SERVER_ERROR, "internal error", None);
    let response = Response::from_errors(vec![error]);
    let lease = Memory::unlimited().empty();
    Arc::new(Answer::new(LeasedResponse { response, lease }))
}
