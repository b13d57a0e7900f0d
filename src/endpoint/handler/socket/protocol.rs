//! Messages of [graphql-transport-ws](https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md), and close
//! codes.

use axum::extract::ws::{CloseFrame, Message};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::{response::Chunks, stream::Answered},
    init::InitPayload,
};
use crate::app::memory::{Lease, Memory};

/// Subprotocol. The older `graphql-ws` differs and is not supported.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// Reason to close a socket: codes of graphql-transport-ws, and of
/// [WebSocket](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1) below 4000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    GoingAway,
    NotUtf8,
    TooLarge,
    Invalid(&'static str),
    Unauthorized,
    Forbidden,
    NoProtocol,
    NotInitialised,
    SubscriberExists,
    TooManyInitialisations,
}

impl Close {
    /// Close frame. Reasons must be at most 123 bytes: control frames hold [125
    /// bytes](https://www.rfc-editor.org/rfc/rfc6455#section-5.5), the code takes two.
    pub fn message(self) -> Message {
        let (code, reason) = match self {
            Self::GoingAway => (1001, "the server stops"),
            Self::NotUtf8 => (1007, "a text message is UTF-8"),
            Self::TooLarge => (1009, "the message is too large"),
            Self::Invalid(reason) => (4400, reason),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::Forbidden => (4403, "Forbidden"),
            Self::NoProtocol => (4406, "Subprotocol not acceptable"),
            Self::NotInitialised => (4408, "Connection initialisation timeout"),
            Self::SubscriberExists => (4409, "Subscriber for this id already exists"),
            Self::TooManyInitialisations => (4429, "Too many initialisation requests"),
        };
        Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        }))
    }
}

/// Message from the client.
#[derive(Debug)]
pub enum Received {
    /// With the `Authorization` from the payload.
    Init(Option<String>),
    Ping(Option<String>),
    Pong,
    /// With the payload as JSON text.
    Subscribe {
        id: String,
        payload: String,
    },
    Complete {
        id: String,
    },
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Parses a message. Invalid messages close the socket, as the protocol demands.
pub fn read(text: &str) -> Result<Received, Close> {
    let text =
        json_fidelity::escape_lossy(text).map_err(|_| Close::Invalid("the message is not JSON"))?;
    let parts: Parts<'_> = serde_json::from_str(&text)
        .map_err(|_| Close::Invalid("the message is not an object with a string `type`"))?;
    let payload = parts.payload.map(RawValue::get);
    // The protocol types every payload that clients send as an object.
    if payload.is_some_and(|payload| !payload.starts_with('{')) {
        return Err(Close::Invalid("`payload` is not an object"));
    }
    let id = || match &parts.id {
        Some(id) if !id.is_empty() => Ok(id.clone()),
        _ => Err(Close::Invalid(
            "`id` is not a string of one character or more",
        )),
    };
    match parts.kind.as_str() {
        "connection_init" => {
            // A missing token is no error here: the upgrade request may have had one.
            let payload: InitPayload = payload
                .map(serde_json::from_str)
                .transpose()
                .map_err(|_| Close::Invalid("the payload names no token as a string"))?
                .unwrap_or_default();
            Ok(Received::Init(payload.authorization()))
        }
        "ping" => Ok(Received::Ping(payload.map(ToOwned::to_owned))),
        "pong" => Ok(Received::Pong),
        "subscribe" => match payload {
            Some(payload) => Ok(Received::Subscribe {
                id: id()?,
                payload: payload.to_owned(),
            }),
            None => Err(Close::Invalid("the message has no `payload`")),
        },
        "complete" => Ok(Received::Complete { id: id()? }),
        _ => Err(Close::Invalid("the message is of no known `type`")),
    }
}

/// Message `connection_ack`: the client is signed in.
pub fn ack() -> Message {
    Message::text(r#"{"type":"connection_ack"}"#)
}

/// Message `pong`, the answer to `ping`; `payload` is JSON.
pub fn pong(payload: Option<&str>) -> Message {
    match payload {
        Some(payload) => Message::text(format!(r#"{{"type":"pong","payload":{payload}}}"#)),
        None => Message::text(r#"{"type":"pong"}"#),
    }
}

/// Message `next`, with a lease of memory; `id` is JSON.
pub fn next(id: &str, result: Answered, memory: &Memory) -> (Message, Option<Lease>) {
    let before = format!(r#"{{"id":{id},"type":"next","payload":"#);
    match result {
        Answered::Once(response) => {
            let (text, lease) = Chunks::framed(&before, *response, "}").into_text();
            (Message::text(text), Some(lease))
        }
        Answered::Shared(answer) => {
            // Copies the text, since a message begins with the operation's id. Sends the copy without a lease when memory
            // is short: the answer exists, and the queue of messages is short.
            let lease = memory.lease(answer.bytes() as u64).ok();
            let mut text = before.into_bytes();
            text.reserve_exact(answer.bytes() + 1);
            for chunk in answer.chunks() {
                text.extend_from_slice(chunk);
            }
            text.push(b'}');
            let text = String::from_utf8(text).expect("JSON is UTF-8");
            (Message::text(text), lease)
        }
    }
}

/// Message `error`: ends an operation that was refused before execution. `errors` is JSON.
pub fn error(id: &str, errors: &str) -> Message {
    Message::text(format!(
        r#"{{"id":{id},"type":"error","payload":{errors}}}"#
    ))
}

/// Message `complete`, the end of an operation; `id` is JSON.
pub fn complete(id: &str) -> Message {
    Message::text(format!(r#"{{"id":{id},"type":"complete"}}"#))
}
