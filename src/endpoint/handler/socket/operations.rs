//! Running operations of a socket.

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

/// Capacity of the queue of messages. Small: a slow reader stops its own operations instead of filling memory.
const WAITING: usize = 16;

/// Operations under way on a WebSocket, by the ids that the client chose.
pub struct Operations {
    endpoint: Endpoint,
    by_id: HashMap<String, Operation>,
    /// Number of operations so far: distinguishes operations with the same id.
    count: u64,
    sender: mpsc::Sender<Outgoing>,
    receiver: mpsc::Receiver<Outgoing>,
}

struct Operation {
    number: u64,
    /// Aborts the operation on drop.
    _task: AbortOnDropHandle<()>,
}

/// Message of an operation.
struct Outgoing {
    id: String,
    number: u64,
    /// `None` when the operation ends silently.
    message: Option<Message>,
    /// Lease of the message's memory, held until it is sent.
    lease: Option<Lease>,
    /// True when the operation ends with this message.
    is_last: bool,
}

impl Operations {
    /// Creates the operations of a WebSocket, none under way.
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

    /// Starts an operation. Returns the refusal, if any.
    pub fn begin(
        &mut self,
        actor: Actor,
        id: String,
        envelope: Result<Envelope, String>,
    ) -> Result<Option<Message>, Close> {
        // The protocol demands a close, because answers of two operations with the same id can't be told apart.
        if self.by_id.contains_key(&id) {
            return Err(Close::SubscriberExists);
        }
        let envelope =
            envelope.map_err(|_| Close::Invalid("the payload is not a GraphQL request"))?;
        let most = self.endpoint.settings.ws_max_operations;
        // An error for this operation alone: other operations of the socket go on.
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

    /// Counts an operation against the rate. Returns the refusal, if any.
    pub fn count(&self, actor: &Actor, id: &str) -> Option<Message> {
        let refusal = self.endpoint.quotas.count(actor, 1).err()?;
        Some(refused(id, &refusal.errors))
    }

    /// Ends an operation on the client's request. No-op when it has ended already.
    pub fn end(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// Checks whether no operation is running.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Waits for the next message, with its lease; `None` when an operation ended silently.
    pub async fn next(&mut self) -> Option<(Message, Option<Lease>)> {
        loop {
            let Some(outgoing) = self.receiver.recv().await else {
                // Unreachable while `self` holds a sender; pending keeps the select loop alive.
                return std::future::pending().await;
            };
            // Drops queued messages of operations that the client has ended: the client may have reused the id.
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

/// End of an operation.
enum Ended {
    Complete,
    /// Shutdown of the server.
    Stopped,
}

/// Task of an operation.
struct OperationTask {
    endpoint: Endpoint,
    sender: mpsc::Sender<Outgoing>,
    id: String,
    /// Id as JSON.
    quoted: String,
    number: u64,
}

impl OperationTask {
    async fn finish(self, actor: Actor, envelope: Envelope) {
        // A panic ends this operation alone, and the client gets an error instead of silence.
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

    /// Sends all results. Fails with the errors of a request that was refused before execution.
    async fn results(&self, actor: Actor, envelope: Envelope) -> Result<Ended, String> {
        let refused = |refusal: Refusal| response::errors_json(&refusal.errors);
        let quotas = &self.endpoint.quotas;
        let request = quotas.request(&actor).map_err(refused)?;
        let deadline = self.endpoint.deadline();
        let prepared = self.endpoint.prepare(&actor, envelope, &deadline).await;
        let prepared = prepared.map_err(refused)?;
        let prepared = prepared.map_err(|errors| response::errors_json(&errors))?;
        let is_subscription = prepared.operation == OperationType::Subscription;
        let _permit = match is_subscription {
            true => {
                let subscription = quotas.subscription(&actor).map_err(refused)?;
                // A subscription lasts for hours: it counts as a subscription, and frees the request's slot.
                drop(request);
                subscription
            }
            false => request,
        };
        let mut results = stream::results(&self.endpoint, actor, prepared);
        loop {
            let result = tokio::select! {
                result = results.next() => result,
                // Shutdown sends no `complete`: the client would believe that no events follow, instead of
                // resubscribing elsewhere.
                () = self.endpoint.stopping.cancelled(), if is_subscription => {
                    return Ok(Ended::Stopped);
                }
            };
            match result {
                Some(Ok(result)) => {
                    let memory = &self.endpoint.app().memory;
                    let (next, lease) = protocol::next(&self.quoted, result, memory);
                    self.send(Some(next), lease, false).await;
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
        // Fails only when the socket is gone.
        let _ = self.sender.send(outgoing).await;
    }
}

fn refused(id: &str, errors: &[ServerError]) -> Message {
    protocol::error(&quoted(id), &response::errors_json(errors))
}

fn quoted(id: &str) -> String {
    serde_json::to_string(id).expect("a string is JSON")
}
