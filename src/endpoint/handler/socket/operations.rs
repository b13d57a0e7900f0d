//! The operations under way on one socket.

use std::{collections::HashMap, panic::AssertUnwindSafe};

use async_graphql::{ServerError, parser::types::OperationType};
use axum::extract::ws::Message;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    super::{Endpoint, Refusal, answer, stream},
    protocol::{self, Close},
};
use crate::{
    app::memory::Lease,
    domain::access::Actor,
    endpoint::envelope::Envelope,
    graphql::error::{LIMIT_EXCEEDED, request_error},
};

/// Messages that wait to be sent. Small: who reads slowly holds up their own operations, and no memory.
const WAITING: usize = 16;

pub struct Operations {
    endpoint: Endpoint,
    by_id: HashMap<String, Operation>,
    /// How many there were, to tell an operation from one before it of the same id.
    count: u64,
    say: mpsc::Sender<Said>,
    said: mpsc::Receiver<Said>,
}

struct Operation {
    number: u64,
    /// Ends the operation when it is dropped.
    _task: AbortOnDropHandle<()>,
}

/// What an operation says.
struct Said {
    id: String,
    number: u64,
    /// Nothing when it ends without a word.
    message: Option<Message>,
    /// The memory of the message, held until it is sent.
    lease: Option<Lease>,
    /// It says no more.
    is_last: bool,
}

impl Operations {
    pub fn new(endpoint: Endpoint) -> Self {
        let (say, said) = mpsc::channel(WAITING);
        Self {
            endpoint,
            by_id: HashMap::new(),
            count: 0,
            say,
            said,
        }
    }

    /// Begins an operation; answers its refusal, if there is one.
    pub fn begin(
        &mut self,
        actor: Actor,
        id: String,
        envelope: Result<Envelope, String>,
    ) -> Result<Option<Message>, Close> {
        if self.by_id.contains_key(&id) {
            return Err(Close::SubscriberExists);
        }
        let envelope =
            envelope.map_err(|_| Close::Invalid("the payload is not a GraphQL request"))?;
        let most = self.endpoint.settings.ws_max_operations;
        if self.by_id.len() >= most {
            let message = format!("{most} operations at once on one WebSocket are the limit");
            let errors = [request_error(LIMIT_EXCEEDED, message, None)];
            return Ok(Some(refused(&id, &errors)));
        }
        self.count += 1;
        let number = self.count;
        let run = Run {
            endpoint: self.endpoint.clone(),
            say: self.say.clone(),
            quoted: quoted(&id),
            id: id.clone(),
            number,
        };
        let task = AbortOnDropHandle::new(tokio::spawn(run.finish(actor, envelope)));
        self.by_id.insert(
            id,
            Operation {
                number,
                _task: task,
            },
        );
        Ok(None)
    }

    /// Counts an operation; answers its refusal, when they come too fast.
    pub fn count(&self, actor: &Actor, id: &str) -> Option<Message> {
        let refusal = self.endpoint.quotas.count(actor, 1).err()?;
        Some(refused(id, &refusal.errors))
    }

    /// Ends an operation that the client wants no more of. It may be over already.
    pub fn end(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// What is to be said next, with the memory that it holds; nothing when an operation has ended without a word.
    pub async fn next(&mut self) -> Option<(Message, Option<Lease>)> {
        loop {
            let Some(said) = self.said.recv().await else {
                return std::future::pending().await;
            };
            // Nothing is said for an operation that was ended.
            let is_current = self
                .by_id
                .get(&said.id)
                .is_some_and(|operation| operation.number == said.number);
            if !is_current {
                continue;
            }
            if said.is_last {
                self.by_id.remove(&said.id);
            }
            return Some((said.message?, said.lease));
        }
    }
}

/// How an operation ended.
enum End {
    Complete,
    /// The server stops.
    Stopped,
}

/// One operation on its way.
struct Run {
    endpoint: Endpoint,
    say: mpsc::Sender<Said>,
    id: String,
    /// The id as JSON.
    quoted: String,
    number: u64,
}

impl Run {
    async fn finish(self, actor: Actor, envelope: Envelope) {
        let results = AssertUnwindSafe(self.results(actor, envelope)).catch_unwind();
        let last = match results.await {
            Ok(Ok(End::Complete)) => Some(protocol::complete(&self.quoted)),
            Ok(Ok(End::Stopped)) => None,
            Ok(Err(errors)) => Some(protocol::error(&self.quoted, &errors)),
            Err(_) => {
                tracing::error!("an operation of a socket ended in a panic");
                let errors = answer::errors_text(&Refusal::internal().errors);
                Some(protocol::error(&self.quoted, &errors))
            }
        };
        self.say(last, None, true).await;
    }

    /// Says every result; fails with the errors of an operation that did not begin to run.
    async fn results(&self, actor: Actor, envelope: Envelope) -> Result<End, String> {
        let refused = |refusal: Refusal| answer::errors_text(&refusal.errors);
        let quotas = &self.endpoint.quotas;
        let request = quotas.request(&actor).map_err(refused)?;
        let deadline = self.endpoint.deadline();
        let prepared = self.endpoint.prepare(&actor, envelope, deadline).await;
        let prepared = prepared.map_err(refused)?;
        let prepared = prepared.map_err(|errors| answer::errors_text(&errors))?;
        let is_subscription = prepared.operation == OperationType::Subscription;
        let _permit = match is_subscription {
            true => {
                let subscription = quotas.subscription(&actor).map_err(refused)?;
                drop(request);
                subscription
            }
            false => request,
        };
        let mut results = stream::results(&self.endpoint, actor, prepared);
        loop {
            let result = tokio::select! {
                result = results.next() => result,
                // The client goes on elsewhere: that the events are complete would be a lie.
                () = self.endpoint.stopping.cancelled(), if is_subscription => {
                    return Ok(End::Stopped);
                }
            };
            match result {
                Some(Ok(result)) => {
                    let (next, lease) = protocol::next(&self.quoted, result);
                    self.say(Some(next), Some(lease), false).await;
                }
                Some(Err(errors)) => return Err(answer::errors_text(&errors)),
                None => return Ok(End::Complete),
            }
        }
    }

    async fn say(&self, message: Option<Message>, lease: Option<Lease>, is_last: bool) {
        let said = Said {
            id: self.id.clone(),
            number: self.number,
            message,
            lease,
            is_last,
        };
        // Without a listener the socket is gone.
        let _ = self.say.send(said).await;
    }
}

fn refused(id: &str, errors: &[ServerError]) -> Message {
    protocol::error(&quoted(id), &answer::errors_text(errors))
}

fn quoted(id: &str) -> String {
    serde_json::to_string(id).expect("a string is JSON")
}
