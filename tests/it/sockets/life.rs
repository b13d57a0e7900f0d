//! What becomes of sockets with time.

use annograph::domain::token;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::VIEWER;
use crate::support::{Listening, each_database};

#[tokio::test]
async fn a_revoked_token_ends_its_sockets() {
    each_database(async |app| {
        let server = Listening::start(&app.app, &["--token-check", "1"]).await;
        let ann = app.stranger("ann").await;
        let mut idle = server.signed_in(&ann.token).await;
        let mut busy = server.signed_in(&ann.token).await;
        let mut other = server.signed_in(&app.admin.token).await;
        let token_id = token::all(&app.app, Some(ann.user_id.parse().unwrap()))
            .await
            .unwrap()[0]
            .0
            .id;
        token::revoke(&app.app, token_id).await.unwrap();
        // At once for who asks for something, soon for who only listens.
        busy.subscribe("1", VIEWER).await;
        assert_eq!(busy.closed().await.0, 4403);
        assert_eq!(idle.closed().await.0, 4403);
        other.subscribe("1", VIEWER).await;
        assert_eq!(other.hear().await["type"], "next");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_is_answered() {
    each_database(async |app| {
        let server = Listening::start(&app.app, &[]).await;
        let mut socket = server.signed_in(&app.admin.token).await;
        let farewell = CloseFrame {
            code: 1000.into(),
            reason: "".into(),
        };
        socket.send(Message::Close(Some(farewell))).await;
        assert_eq!(socket.closed().await.0, 1000);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    each_database(async |app| {
        let server = Listening::start(&app.app, &[]).await;
        let mut socket = server.signed_in(&app.admin.token).await;
        let (closed, ()) = tokio::join!(socket.closed(), server.stop());
        assert_eq!(closed.0, 1001);
    })
    .await;
}

#[tokio::test]
async fn operations_of_one_socket_count() {
    each_database(async |app| {
        let flags = ["--rate-limit", "3"];
        let server = Listening::start(&app.app, &flags).await;
        let mut socket = server.signed_in(&app.admin.token).await;
        let mut errors = 0;
        for id in 0..10 {
            socket.subscribe(&id.to_string(), VIEWER).await;
            let answer = socket.hear().await;
            if answer["type"] == "error" {
                assert_eq!(answer["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
                errors += 1;
            } else {
                assert_eq!(
                    socket.hear().await,
                    json!({ "id": id.to_string(), "type": "complete" })
                );
            }
        }
        assert!(errors > 0);
    })
    .await;
}
