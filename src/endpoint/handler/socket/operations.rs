//! The operations under way on one socket.

use std::{collections::HashMap, panic::AssertUnwindSafe};

use async_graphql::{ServerError, parser::types::OperationType};
use axum::extract::ws::Message;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    super::{Endpoint, Refusal, response, stream},
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
    sender: mpsc::Sender<Outgoing>,
    receiver: mpsc::Receiver<Outgoing>,
}

struct Operation {
    number: u64,
    /// Ends the operation when it is dropped.
    _task: AbortOnDropHandle<()>,
}

/// A message of an operation.
struct Outgoing {
    id: String,
    number: u64,
    /// Nothing when it ends without a word.
    message: Option<Message>,
    /// The memory of the message, held until it is sent.
    lease: Option<Lease>,
    /// The last message of the operation.
    is_last: bool,
}

impl Operations {
    pub fn new(endpoint: Endpoint) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self {
            endpoint,
            by_id: HashMap::new(),
            count: 0,
            sender,
            receiver,
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
        let run = OperationTask {
            endpoint: self.endpoint.clone(),
            sender: self.sender.clone(),
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

    /// The next message to send, with its memory; `None` when an operation has ended without one.
    pub async fn next(&mut self) -> Option<(Message, Option<Lease>)> {
        loop {
            let Some(outgoing) = self.receiver.recv().await else {
                return std::future::pending().await;
            };
            // Drops messages of an operation that the client has ended.
            let is_current = self
                .by_id
                .get(&outgoing.id)
                .is_some_and(|operation| operation.number == outgoing.number);
            if !is_current {
                continue;
            }
            if outgoing.is_last {
                self.by_id.remove(&outgoing.id);
            }
            return Some((outgoing.message?, outgoing.lease));
        }
    }
}

/// How an operation ended.
enum Ended {
    Complete,
    /// The server stops.
    Stopped,
}

/// One operation on its way.
struct OperationTask {
    endpoint: Endpoint,
    sender: mpsc::Sender<Outgoing>,
    id: String,
    /// The id as JSON.
    quoted: String,
    number: u64,
}

impl OperationTask {
    async fn finish(self, actor: Actor, envelope: Envelope) {
        let results = AssertUnwindSafe(self.results(actor, envelope)).catch_unwind();
        let last = match results.await {
            Ok(Ok(Ended::Complete)) => Some(protocol::complete(&self.quoted)),
            Ok(Ok(Ended::Stopped)) => None,
            Ok(Err(errors)) => Some(protocol::error(&self.quoted, &errors)),
            Err(_) => {
                tracing::error!("an operation of a socket ended in a panic");
                let errors = response::errors_json(&Refusal::internal().errors);
                Some(protocol::error(&self.quoted, &errors))
            }
        };
        self.send(last, None, true).await;
    }

    /// Says every result; fails with the errors of an operation that did not begin to run.
    async fn results(&self, actor: Actor, envelope: Envelope) -> Result<Ended, String> {
        let refused = |refusal: Refusal| response::errors_json(&refusal.errors);
        let quotas = &self.endpoint.quotas;
        let request = quotas.request(&actor).map_err(refused)?;
        let deadline = self.endpoint.deadline();
        let prepared = self.endpoint.prepare(&actor, envelope, deadline).await;
        let prepared = prepared.map_err(refused)?;
        let prepared = prepared.map_err(|errors| response::errors_json(&errors))?;
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
                    return Ok(Ended::Stopped);
                }
            };
            match result {
                Some(Ok(result)) => {
                    let (next, lease) = protocol::next(&self.quoted, result);
                    self.send(Some(next), Some(lease), false).await;
                }
                Some(Err(errors)) => return Err(response::errors_json(&errors)),
                None => return Ok(Ended::Complete),
            }
        }
    }

    async fn send(&self, message: Option<Message>, lease: Option<Lease>, is_last: bool) {
        let outgoing = Outgoing {
            id: self.id.clone(),
            number: self.number,
            message,
            lease,
            is_last,
        };
        // Without a listener the socket is gone.
        let _ = self.sender.send(outgoing).await;
    }
}

fn refused(id: &str, errors: &[ServerError]) -> Message {
    protocol::error(&quoted(id), &response::errors_json(errors))
}

fn quoted(id: &str) -> String {
    serde_json::to_string(id).expect("a string is JSON")
}
