//! Server on a port, for tests of connections.

use std::net::SocketAddr;

use annograph::{app::App, config::ServeArgs, server};
use axum::http::{HeaderValue, header};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::CloseFrame},
};
use tokio_util::sync::CancellationToken;

/// Timeout of every wait in a test.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Server on a free port. Stops at once when dropped.
pub struct Listening {
    pub address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Client side of a WebSocket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    serve: ServeArgs,
}

impl Listening {
    pub async fn start(app: &App, flags: &[&str]) -> Self {
        let args = Settings::parse_from([&["test"], flags].concat()).serve;
        let listener = server::listen("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopping = CancellationToken::new();
        let router = server::router(app.clone(), &args, stopping.clone()).unwrap();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            server::serve(listener, router, &args, stopping, stopped)
                .await
                .unwrap();
        });
        Self {
            address,
            stop,
            task,
        }
    }

    /// Stops the server as a signal does, and waits for the end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .unwrap()
            .unwrap();
    }

    /// Opens a socket, without a message so far.
    pub async fn socket(&self) -> Socket {
        Socket::open(self.address).await
    }

    /// Opens a socket. Returns the status of a refused handshake, or 0 after the timeout.
    pub async fn socket_with(
        &self,
        protocol: Option<&'static str>,
        headers: &[(header::HeaderName, &str)],
    ) -> Result<Socket, u16> {
        Socket::open_with(self.address, protocol, headers).await
    }

    /// Opens a socket and authenticates.
    pub async fn signed_in(&self, token: &str) -> Socket {
        Socket::signed_in(self.address, token).await
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Socket {
    /// Opens a socket, without a message so far.
    pub async fn open(address: SocketAddr) -> Self {
        let protocol = Some("graphql-transport-ws");
        Self::open_with(address, protocol, &[]).await.unwrap()
    }

    async fn open_with(
        address: SocketAddr,
        protocol: Option<&'static str>,
        headers: &[(header::HeaderName, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://{address}/graphql");
        let mut request = url.into_client_request().unwrap();
        if let Some(protocol) = protocol {
            let value = HeaderValue::from_static(protocol);
            request
                .headers_mut()
                .insert("sec-websocket-protocol", value);
        }
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                Err(response.status().as_u16())
            }
            // The library does without a server that takes none of its protocols.
            Err(tokio_tungstenite::tungstenite::Error::Protocol(_)) => Err(0),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket and authenticates.
    pub async fn signed_in(address: SocketAddr, token: &str) -> Self {
        let mut socket = Self::open(address).await;
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket
            .say(&json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Returns the next message, or `None` once the connection is closed.
    pub async fn hear_any(&mut self) -> Option<Value> {
        loop {
            match self.next().await? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Ping(_) | Message::Pong(_) => {}
                _ => return None,
            }
        }
    }

    pub async fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub async fn send(&mut self, message: Message) {
        // A server that has closed the socket is met when it is listened to.
        let _ = self.0.send(message).await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        let payload = json!({ "query": query });
        self.say(&json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await;
    }

    /// Returns the next message other than WebSocket's control frames.
    pub async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a message, not {other:?}"),
            }
        }
    }

    /// Waits for the close frame. Returns code and reason.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Message::Close(Some(CloseFrame { code, reason }))) => {
                    return (code.into(), reason.to_string());
                }
                Some(Message::Close(None)) | None => return (1006, String::new()),
                Some(_) => {}
            }
        }
    }

    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next());
        next.await
            .expect("the server says something")
            .and_then(Result::ok)
    }
}
