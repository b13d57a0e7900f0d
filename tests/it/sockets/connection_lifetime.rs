//! Lifetime of sockets: revoked tokens, clients that leave, limits, and shutdown.

use annograph::domain::token;
use each_database::each_database;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::VIEWER;
use crate::support::{Listening, TestApp};

#[each_database]
async fn a_revoked_token_ends_its_sockets(app: TestApp) {
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
}

#[each_database]
async fn a_client_that_leaves_is_answered(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    let farewell = CloseFrame {
        code: 1000.into(),
        reason: "".into(),
    };
    socket.send(Message::Close(Some(farewell))).await;
    assert_eq!(socket.closed().await.0, 1000);
}

#[each_database]
async fn a_server_that_stops_says_so(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    let (closed, ()) = tokio::join!(socket.closed(), server.stop());
    assert_eq!(closed.0, 1001);
}

#[each_database]
async fn operations_of_one_socket_count(app: TestApp) {
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
}

#[each_database]
async fn a_subscription_is_no_request_that_runs(app: TestApp) {
    let flags = ["--max-concurrent", "1", "--max-subscriptions", "2"];
    let server = Listening::start(&app.app, &flags).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    let follow = "subscription { annotationEvents { version } }";
    for id in ["a", "b"] {
        socket.subscribe(id, follow).await;
        // One after the other, so that there is leave for each.
        loop {
            socket.subscribe("query", VIEWER).await;
            if socket.hear().await["type"] == "next" {
                assert_eq!(socket.hear().await["type"], "complete");
                break;
            }
        }
    }
    socket.subscribe("c", follow).await;
    let refused = socket.hear().await;
    assert_eq!(
        (&refused["id"], &refused["type"]),
        (&json!("c"), &json!("error"))
    );
    assert_eq!(
        refused["payload"][0]["extensions"]["code"],
        "LIMIT_EXCEEDED"
    );
}

#[each_database]
async fn little_is_read_of_somebody_unknown(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let mut unknown = server.socket().await;
    let padding = "x".repeat(2 << 20);
    let init = json!({ "type": "connection_init", "payload": {
            "token": app.admin.token, "padding": padding,
        } });
    unknown.say(&init).await;
    assert_eq!(unknown.hear_any().await, None);
    let mut known = server.signed_in(&app.admin.token).await;
    known
        .subscribe("1", &format!("{VIEWER} {}", " ".repeat(900_000)))
        .await;
    assert_eq!(known.hear().await["type"], "next");
}

#[each_database]
async fn what_runs_is_answered_when_the_server_stops(app: TestApp) {
    app.project_with_task().await;
    let server = Listening::start(&app.app, &[]).await;
    let mut socket = server.signed_in(&app.admin.token).await;
    socket
        .subscribe("events", "subscription { annotationEvents { version } }")
        .await;
    let held = app.app.db.begin().await.unwrap();
    let update = "UPDATE project SET title = title WHERE id = 1";
    held.execute_unprepared(update).await.unwrap();
    let rename = r#"mutation { updateProject(id: 1, input: { title: "y" }) { title } }"#;
    socket.subscribe("rename", rename).await;
    // Answered behind it, so both are under way.
    socket.subscribe("query", VIEWER).await;
    while socket.hear().await["type"] != "complete" {}
    let stopped = tokio::spawn(server.stop());
    // A message that comes once it stops is not taken.
    held.rollback().await.unwrap();
    let next = socket.hear().await;
    assert_eq!(
        (&next["id"], &next["type"]),
        (&json!("rename"), &json!("next"))
    );
    assert_eq!(next["payload"]["data"]["updateProject"]["title"], "y");
    assert_eq!(socket.hear().await["type"], "complete");
    assert_eq!(socket.closed().await.0, 1001);
    stopped.await.unwrap();
}
