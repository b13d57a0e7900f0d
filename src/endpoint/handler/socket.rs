//! WebSocket transport: the protocol
//! [graphql-transport-ws](https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).

mod init;
mod operations;
mod protocol;

use std::time::Duration;

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::{
        FromRequestParts,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, SinkExt, StreamExt, stream::SplitSink};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use self::{
    operations::Operations,
    protocol::{Close, PROTOCOL, Received},
};
use super::{ConnectionPermit, Endpoint, Refusal, media::Media};
use crate::{
    app::{compute::SMALL, memory::Lease},
    auth,
    domain::{access::Actor, token},
    endpoint::envelope,
    error::Error,
    graphql::error::BAD_REQUEST,
};

/// Approximate maximum of bytes read from a socket before authentication.
const UNKNOWN: usize = 64 << 10;
/// Bytes after which no further message joins a call of the system.
const AT_ONCE: usize = 64 << 10;

type Sink = SplitSink<WebSocket, Message>;

/// Checks whether the request asks for an upgrade to WebSocket.
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .and_then(|upgrade| upgrade.to_str().ok())
        .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// Opens a WebSocket. The token may come with the request, or with the first message.
pub async fn open(endpoint: Endpoint, mut parts: Parts) -> Response {
    // Browsers send no preflight for WebSockets, so the server checks the origin itself
    // (https://www.rfc-editor.org/rfc/rfc6455#section-10.2).
    if !is_from_here(&parts.headers, &endpoint.settings.cors_origin) {
        let message = "pages of this origin may not open a WebSocket here";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, BAD_REQUEST, message);
        return refusal.into_response(Media::Json);
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let status = rejection.into_response().status();
            let refusal = Refusal::new(status, BAD_REQUEST, "this is no WebSocket handshake");
            return refusal.into_response(Media::Json);
        }
    };
    let upgrade = upgrade.protocols([PROTOCOL]);
    // Refuses clients of subscriptions-transport-ws during the handshake: without a subprotocol in the response they
    // would give up before the close frame, and nobody would read the reason
    // (https://websockets.spec.whatwg.org/#concept-websocket-establish).
    let offered = GraphQLProtocol::from_request_parts(&mut parts, &()).await;
    if upgrade.selected_protocol().is_none() && offered.is_ok() {
        let message = "the subprotocol graphql-ws is not supported: use graphql-transport-ws";
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, BAD_REQUEST, message);
        return refusal.into_response(Media::Json);
    }
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok().map(ToOwned::to_owned));
    let permit = parts.extensions.get::<ConnectionPermit>().cloned();
    // Limits reads until authentication: strangers must not make the server buffer messages of full size.
    if let Some(permit) = &permit {
        permit.limit_reads(UNKNOWN);
    }
    let largest = endpoint.settings.ws_max_message;
    upgrade
        .max_message_size(largest)
        .max_frame_size(largest)
        .on_upgrade(async move |socket| {
            serve(&endpoint, socket, authorization, permit.as_ref()).await;
            drop(permit);
        })
}

/// Checks whether the request's origin may open sockets: the server's own origin, a configured origin, or none. Only
/// browsers send `Origin`; other programs are not subject to cross-site attacks.
fn is_from_here(headers: &HeaderMap, origins: &[HeaderValue]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let of_origin = origin
        .as_bytes()
        .splitn(2, |byte| *byte == b'/')
        .nth(1)
        .and_then(|rest| rest.strip_prefix(b"/"));
    origins.contains(origin) || (host.is_some() && host == of_origin)
}

async fn serve(
    endpoint: &Endpoint,
    socket: WebSocket,
    authorization: Option<String>,
    permit: Option<&ConnectionPermit>,
) {
    let is_spoken = socket.protocol().is_some();
    let (mut sink, mut stream) = socket.split();
    let close = if is_spoken {
        run(endpoint, &mut sink, &mut stream, authorization, permit).await
    } else {
        Some(Close::NoProtocol)
    };
    let Some(close) = close else {
        return;
    };
    let patience = ping_interval(endpoint);
    // Bounded: the peer may be gone or not read.
    if timeout(patience, sink.send(close.message()))
        .await
        .is_ok_and(|sent| sent.is_ok())
    {
        // Waits for the peer's close frame: closing with unread data resets the connection and loses what was sent
        // last (https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1).
        let rest = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = timeout(patience.min(Duration::from_secs(2)), rest).await;
    }
}

fn ping_interval(endpoint: &Endpoint) -> Duration {
    Duration::from_secs(endpoint.settings.ws_ping)
}

/// Runs the protocol until either side ends it. Returns the reason to close with; `None` when the connection is
/// closed already.
async fn run(
    endpoint: &Endpoint,
    sink: &mut Sink,
    stream: &mut (impl StreamExt<Item = Result<Message, axum::Error>> + Unpin),
    authorization: Option<String>,
    permit: Option<&ConnectionPermit>,
) -> Option<Close> {
    let settings = &endpoint.settings;
    let mut connection = Connection {
        endpoint,
        authorization,
        actor: None,
        operations: Operations::new(endpoint.clone()),
    };
    let init = tokio::time::sleep(Duration::from_secs(settings.ws_init_timeout));
    tokio::pin!(init);
    let every = ping_interval(endpoint);
    let mut pings = interval_at(Instant::now() + every, every);
    // A busy server must not send the pings that it missed in a burst.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unanswered: Option<Instant> = None;
    let mut session = None;
    let mut is_stopping = false;
    loop {
        // Recreated per turn, because the session is opened within the loop and borrowed here.
        let session_ended = async {
            match &mut session {
                Some(session) => auth::Session::ended(session).await,
                None => std::future::pending().await,
            }
        };
        if is_stopping && connection.operations.is_empty() {
            return Some(Close::GoingAway);
        }
        let answer = tokio::select! {
            // In order: shutdown and expiry before messages, received messages before answers, which a slow reader
            // would block.
            biased;
            // Shutdown lets running queries and mutations answer, and then closes.
            () = endpoint.stopping.cancelled(), if !is_stopping => {
                is_stopping = true;
                None
            }
            () = session_ended => return Some(Close::Forbidden),
            () = &mut init, if connection.actor.is_none() => return Some(Close::NotInitialised),
            _ = pings.tick() => {
                // A whole interval without any message: the peer or the network is gone.
                if unanswered.is_some_and(|since| since.elapsed() >= every) {
                    return None;
                }
                unanswered = unanswered.or(Some(Instant::now()));
                Some((Message::Ping(Default::default()), None))
            }
            received = stream.next() => {
                // Any message proves that the peer lives; some clients send data but answer pings late.
                unanswered = None;
                match received? {
                    // New operations are refused by silence: the client reconnects to another server after the close.
                    Ok(Message::Text(_)) if is_stopping => None,
                    Ok(Message::Text(text)) => match connection.receive(&text).await {
                        Ok(answer) => answer.map(|message| (message, None)),
                        Err(close) => return Some(close),
                    },
                    Ok(Message::Binary(_)) => return Some(Close::Invalid("messages are text")),
                    Ok(Message::Close(_)) => {
                        // axum has queued the answering close frame; flushing sends it.
                        let _ = timeout(every, sink.flush()).await;
                        return None;
                    }
                    // axum answers pings itself.
                    Ok(Message::Ping(_) | Message::Pong(_)) => None,
                    Err(error) => return broken(&error),
                }
            }
            message = connection.operations.next() => message,
        };
        if session.is_none()
            && let Some(actor) = &connection.actor
        {
            // Opened after authentication, so that a revoked or expired token ends the socket.
            session = Some(endpoint.sessions.open(actor));
            if let Some(permit) = permit {
                permit.lift_limit();
            }
        }
        if let Some(first) = answer {
            // Bounded: a peer that reads nothing would keep the answer in memory for ever.
            let patience = Duration::from_secs(settings.body_timeout);
            let sent = send(sink, first, &mut connection.operations);
            timeout(patience, sent).await.ok()?.ok()?;
        }
    }
}

/// Sends a message, and the messages that are ready behind it, by a single call of the system.
async fn send(
    sink: &mut Sink,
    (message, lease): (Message, Option<Lease>),
    operations: &mut Operations,
) -> Result<(), axum::Error> {
    let mut bytes = length(&message);
    sink.feed(message).await?;
    // Keeps the leases until the messages are sent.
    let mut leases = vec![lease];
    while bytes < AT_ONCE
        && let Some(Some((message, lease))) = operations.next().now_or_never()
    {
        bytes += length(&message);
        sink.feed(message).await?;
        leases.push(lease);
    }
    sink.flush().await
}

fn length(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        _ => 0,
    }
}

/// Close reason for a failed read; `None` when the connection is gone.
fn broken(error: &axum::Error) -> Option<Close> {
    use std::error::Error;
    // axum boxes the error, so the cause is found by walking the chain.
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<tungstenite::Error>() {
            return match error {
                tungstenite::Error::Capacity(_) => Some(Close::TooLarge),
                tungstenite::Error::Utf8(_) => Some(Close::NotUtf8),
                _ => None,
            };
        }
        cause = error.source();
    }
    None
}

/// Protocol state of a socket.
struct Connection<'a> {
    endpoint: &'a Endpoint,
    /// `Authorization` of the upgrade request.
    authorization: Option<String>,
    actor: Option<Actor>,
    operations: Operations,
}

impl Connection<'_> {
    /// Handles a message. Returns the message to answer with, if any.
    async fn receive(&mut self, text: &str) -> Result<Option<Message>, Close> {
        match self.read(text, protocol::read).await?? {
            Received::Init(authorization) => self.initialise(authorization).await.map(Some),
            Received::Ping(payload) => Ok(Some(protocol::pong(payload.as_deref()))),
            Received::Pong => Ok(None),
            Received::Subscribe { id, payload } => {
                let actor = self.actor.as_ref().ok_or(Close::Unauthorized)?;
                // Counts before reading the payload: parsing is the work that the rate limits.
                if let Some(refusal) = self.operations.count(actor, &id) {
                    return Ok(Some(refusal));
                }
                // Authenticates anew: the token may have been revoked, or roles may have changed.
                let actor = token::sign_in_again(self.endpoint.app(), actor.token_id).await;
                let actor = actor.map_err(|error| refused(&error))?;
                let envelope = self.read(&payload, envelope::from_json).await?;
                self.operations.begin(actor, id, envelope)
            }
            Received::Complete { id } => {
                self.operations.end(&id);
                Ok(None)
            }
        }
    }

    /// Parses a text: small texts at once, large texts as an operation. Before authentication the read limit keeps
    /// texts small.
    async fn read<T: Send + 'static>(&self, text: &str, read: fn(&str) -> T) -> Result<T, Close> {
        let Some(actor) = self.actor.as_ref().filter(|_| text.len() > SMALL) else {
            return Ok(read(text));
        };
        let (deadline, text) = (self.endpoint.deadline(), text.to_owned());
        let bytes = text.len();
        let value = self
            .endpoint
            .read(actor, &deadline, bytes, move || read(&text));
        value.await.map_err(|_| Close::GoingAway)
    }

    async fn initialise(&mut self, authorization: Option<String>) -> Result<Message, Close> {
        // The protocol allows a single `connection_init` per socket.
        if self.actor.is_some() {
            return Err(Close::TooManyInitialisations);
        }
        let authorization = authorization.or(self.authorization.take());
        let authorization = authorization.ok_or(Close::Forbidden)?;
        let actor = auth::authenticate_value(self.endpoint.app(), &authorization).await;
        self.actor = Some(actor.map_err(|error| refused(&error))?);
        Ok(protocol::ack())
    }
}

fn refused(error: &Error) -> Close {
    match error {
        Error::Unauthenticated => Close::Forbidden,
        // 4403 would make clients give up; 1001 makes them reconnect later.
        _ => Close::GoingAway,
    }
}
