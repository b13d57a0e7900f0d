//! graphql-transport-ws over real connections.

mod connection_lifetime;

use axum::http::header;
use each_database::each_database;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Listening, TestApp};

const VIEWER: &str = "{ viewer { username } }";

fn init(payload: &Value) -> Value {
    json!({ "type": "connection_init", "payload": payload })
}

#[each_database]
async fn queries_and_mutations_are_answered(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    socket.subscribe("a", VIEWER).await;
    let next = json!({ "data": { "viewer": { "username": "admin" } } });
    assert_eq!(
        socket.hear().await,
        json!({ "id": "a", "type": "next", "payload": next })
    );
    assert_eq!(
        socket.hear().await,
        json!({ "id": "a", "type": "complete" })
    );
    // An id can be used again.
    let create = r#"mutation { createProject(input: { title: "x" }) { id } }"#;
    socket.subscribe("a", create).await;
    let next = json!({ "data": { "createProject": { "id": "1" } } });
    assert_eq!(
        socket.hear().await,
        json!({ "id": "a", "type": "next", "payload": next })
    );
    assert_eq!(
        socket.hear().await,
        json!({ "id": "a", "type": "complete" })
    );
}

#[each_database]
async fn what_does_not_begin_to_run_is_one_error(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    for (query, code) in [
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("query($id: ID!) { user(id: $id) { id } }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("1", query).await;
        let error = socket.hear().await;
        assert_eq!(
            (&error["id"], &error["type"]),
            (&json!("1"), &json!("error"))
        );
        assert_eq!(error["payload"][0]["extensions"]["code"], code);
    }
    // A field that fails is part of a result.
    socket
        .subscribe("1", "mutation { deleteAnnotation(id: 7) { id } }")
        .await;
    let next = socket.hear().await;
    assert_eq!(next["type"], "next");
    assert_eq!(
        next["payload"]["errors"][0]["extensions"]["code"],
        "NOT_FOUND"
    );
    assert_eq!(socket.hear().await["type"], "complete");
}

#[each_database]
async fn the_token_is_taken_from_wherever_clients_put_it(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let token = &app.admin.token;
    let bearer = format!("Bearer {token}");
    for payload in [
        json!({ "authorization": bearer }),
        json!({ "Authorization": format!("Token {token}") }),
        json!({ "token": token }),
        json!({ "headers": { "Authorization": bearer } }),
        json!({ "authorization": bearer, "other": [1, 2] }),
        json!({ "authorization": bearer, "Authorization": bearer }),
        json!({ "authorization": token, "Authorization": bearer }),
        json!({ "headers": { "authorization": bearer, "Authorization": format!("Token {token}") } }),
    ] {
        let mut socket = server.socket().await;
        socket.say(&init(&payload)).await;
        assert_eq!(socket.hear().await["type"], "connection_ack", "{payload}");
    }
    let headers = [(header::AUTHORIZATION, bearer.as_str())];
    let protocol = Some("graphql-transport-ws");
    let mut socket = server.socket_with(protocol, &headers).await.unwrap();
    socket.say(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
}

#[each_database]
async fn nobody_gets_in_without_a_token(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    for message in [
        json!({ "type": "connection_init" }),
        init(&Value::Null),
        init(&json!({})),
        init(&json!({ "token": "wrong" })),
        init(&json!({ "authorization": app.admin.token })),
    ] {
        let mut socket = server.socket().await;
        socket.say(&message).await;
        assert_eq!(
            socket.closed().await,
            (4403, "Forbidden".to_owned()),
            "{message}"
        );
    }
    let token = format!("Bearer {}", app.admin.token);
    let two = json!({ "authorization": token, "Authorization": "Bearer ann_other" });
    let mut socket = server.socket().await;
    socket.say(&init(&two)).await;
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = server.socket().await;
    socket.subscribe("1", VIEWER).await;
    assert_eq!(socket.closed().await, (4401, "Unauthorized".to_owned()));
}

#[each_database]
async fn what_is_no_message_closes_the_socket(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let query = json!({ "query": VIEWER });
    for message in [
        Message::text(""),
        Message::text("nonsense"),
        Message::text("[]"),
        Message::text("null"),
        Message::text("{}"),
        Message::text(r#"{"type":1}"#),
        Message::text(r#"{"type":"nonsense"}"#),
        Message::text(r#"{"type":"start","id":"1","payload":{"query":"{ viewer { id } }"}}"#),
        Message::text(r#"{"type":"connection_terminate"}"#),
        Message::text(json!({ "type": "subscribe", "payload": query }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": "", "payload": query }).to_string()),
        Message::text(json!({ "type": "subscribe", "id": 1, "payload": query }).to_string()),
        Message::text(r#"{"type":"subscribe","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{}}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":"{ viewer { id } }"}"#),
        Message::text(r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#),
        Message::text(r#"{"type":"complete"}"#),
        Message::text(r#"{"type":"ping","payload":1}"#),
        Message::binary(init(&json!({})).to_string()),
    ] {
        let mut socket = server.signed_in(&app.admin.token).await;
        socket.send(message.clone()).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4400, "{message:?}: {reason}");
        assert!((1..=123).contains(&reason.len()), "{reason}");
    }
}

#[each_database]
async fn the_protocol_is_kept_to(app: TestApp) {
    let server = Listening::start(&app.app, &["--ws-init-timeout", "1"]).await;
    let mut silent = server.socket().await;
    assert_eq!(silent.closed().await.0, 4408);
    let mut twice = server.signed_in(&app.admin.token).await;
    twice.say(&init(&json!({ "token": app.admin.token }))).await;
    assert_eq!(twice.closed().await.0, 4429);
    let mut unnamed = server.socket_with(None, &[]).await.unwrap();
    assert_eq!(unnamed.closed().await.0, 4406);
    let legacy = server.socket_with(Some("graphql-ws"), &[]).await;
    assert_eq!(legacy.map(drop), Err(400), "the refusal can be read");
    let mut socket = server.signed_in(&app.admin.token).await;
    socket.say(&json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    socket
        .say(&json!({ "type": "ping", "payload": { "a": [1] } }))
        .await;
    assert_eq!(
        socket.hear().await,
        json!({ "type": "pong", "payload": { "a": [1] } })
    );
}

#[each_database]
async fn messages_are_bounded(app: TestApp) {
    let flags = ["--ws-max-message", "10000"];
    let server = Listening::start(&app.app, &flags).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    socket.subscribe("1", &" ".repeat(20_000)).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[each_database]
async fn pages_of_other_origins_open_no_socket(app: TestApp) {
    let flags = ["--cors-origin", "https://app.example.com"];
    let server = Listening::start(&app.app, &flags).await;
    let here = format!("http://{}", server.address);
    for (origin, may) in [
        (here.as_str(), true),
        ("https://app.example.com", true),
        ("https://evil.example.com", false),
        ("null", false),
    ] {
        let headers = [(header::ORIGIN, origin)];
        let protocol = Some("graphql-transport-ws");
        let opened = server.socket_with(protocol, &headers).await;
        assert_eq!(
            opened.map(drop),
            if may { Ok(()) } else { Err(403) },
            "{origin}"
        );
    }
}
