//! Subscription under way: its events, and the answers to them.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_graphql::Response;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use tokio::{sync::mpsc, time::timeout};

use super::super::{
    chunks::LeasedResponse,
    document::Fingerprint,
    fan_out::{Account, Answer, FanOut, Key, Shared},
    workarounds::subscription,
};
use crate::{
    app::App,
    domain::event::VisibleEvent,
    error::Result,
    graphql::{error, event, viewer::Viewer},
};

/// Longest wait for an answer that another subscriber resolves.
const PATIENCE: Duration = Duration::from_millis(100);

/// Subscription before its first event.
pub struct Opening {
    pub app: App,
    pub account: Account,
    pub viewer: Viewer,
    pub operation: Arc<Fingerprint>,
    pub fan_out: FanOut,
    /// Responses of the schema to the events that `source` sends.
    pub responses: BoxStream<'static, Response>,
    pub source: event::Source,
}

struct Subscription {
    schema: Schema,
    account: Account,
    operation: Arc<Fingerprint>,
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

impl Opening {
    /// Answers of the events, in order.
    pub fn into_answers(self) -> impl Stream<Item = Arc<Answer>> + Send + 'static {
        stream::once(self.open()).flat_map(|opened| match opened {
            Ok(subscription) => stream::unfold(subscription, async |mut subscription| {
                let answer = subscription.next().await?;
                Some((answer, subscription))
            })
            .left_stream(),
            Err(refused) => stream::iter(refused).right_stream(),
        })
    }

    /// Runs the root field. The error is the answer of a field that failed, if any.
    async fn open(self) -> Result<Subscription, Option<Arc<Answer>>> {
        let mut schema = Schema {
            app: self.app,
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
            // The field ended without events: its response says why.
            Err(None) => {
                return Err(schema
                    .response()
                    .await
                    .map(|response| schema.answer(response)));
            }
            Err(Some(response)) => return Err(Some(schema.answer(response))),
        };
        Ok(Subscription {
            schema,
            account: self.account,
            operation: self.operation,
            fan_out: self.fan_out,
            events,
        })
    }
}

impl Subscription {
    async fn next(&mut self) -> Option<Arc<Answer>> {
        let event = match self.events.next().await? {
            Ok(event) => event,
            Err(error) => return self.schema.resolve(Err(error)).await,
        };
        let Some(view) = event.view else {
            return self.schema.resolve(Ok(event)).await;
        };
        let mut key = Key {
            operation: self.operation.clone(),
            view,
            account: None,
        };
        let shared = self.shared(&key, &event).await?;
        if shared.is_for(self.account) {
            return Some(shared.answer);
        }
        // The answer depends on the actor: only subscriptions of this actor share it.
        key.account = Some(self.account);
        Some(self.shared(&key, &event).await?.answer)
    }

    /// Finds the answer, or resolves the event. `None` when the schema has ended.
    async fn shared(&mut self, key: &Key, event: &VisibleEvent) -> Option<Shared> {
        let cell = self.fan_out.cell(key);
        if let Some(shared) = cell.get() {
            return Some(shared.clone());
        }
        let is_resolving = AtomicBool::new(false);
        {
            let resolve = cell.get_or_try_init(async || {
                is_resolving.store(true, Ordering::Relaxed);
                let shared = self.resolve(event).await.ok_or(())?;
                self.fan_out.count(key, &cell, shared.answer.bytes());
                Ok::<_, ()>(shared)
            });
            let mut resolve = pin!(resolve);
            // Another subscriber resolves the event with the share of its own user, who may be busy with much else.
            if let Ok(shared) = timeout(PATIENCE, &mut resolve).await {
                return shared.ok().cloned();
            }
            // An answer that this subscription has asked the schema for has to be taken.
            if is_resolving.load(Ordering::Relaxed) {
                return resolve.await.ok().cloned();
            }
        }
        self.resolve(event).await
    }

    async fn resolve(&mut self, event: &VisibleEvent) -> Option<Shared> {
        let viewer = self.schema.viewer.clone();
        viewer.begin(&event.users);
        let answer = self.schema.resolve(Ok(event.clone())).await?;
        Some(Shared {
            answer,
            only_for: viewer.was_asked().then_some(self.account),
        })
    }
}

impl Schema {
    /// Resolves an event, or formats the error that ends the subscription.
    async fn resolve(&mut self, event: Result<VisibleEvent>) -> Option<Arc<Answer>> {
        // Fails when the schema has ended, which the response tells.
        let _ = self.wanted.send(event).await;
        let response = self.response().await?;
        Some(self.answer(response))
    }

    async fn response(&mut self) -> Option<Response> {
        self.responses.next().await
    }

    fn answer(&self, response: Response) -> Arc<Answer> {
        let response = error::assign_codes(&self.app, response);
        let response = subscription::without_root_path(response);
        // Each answer starts with a full budget.
        let lease = self.app.budget.take();
        Arc::new(Answer::new(LeasedResponse { response, lease }))
    }
}
