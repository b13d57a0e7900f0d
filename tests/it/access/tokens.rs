//! Authentication by token.

use annograph::{domain::token, instant};
use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::Duration;
use each_database::each_database;
use entity::user;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    EntityTrait,
};
use serde_json::json;

use crate::support::{Answer, TestApp, send};

const VIEWER: &str = r#"{"query":"{ viewer { username } }"}"#;

async fn with_header(app: &TestApp, authorization: Option<&str>, body: &'static str) -> Answer {
    let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    send(&app.router, request.body(Body::from(body)).unwrap()).await
}

#[track_caller]
fn assert_unauthenticated(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert_eq!(answer.code(), "UNAUTHENTICATED");
    assert_eq!(answer.json.get("data"), None);
    assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
}

#[each_database]
async fn bearer_and_token_are_both_understood(app: TestApp) {
    let token = &app.admin.token;
    for scheme in ["Bearer", "bearer", "BEARER", "Token", "token"] {
        let answer = with_header(&app, Some(&format!("{scheme} {token}")), VIEWER).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.data(),
            &json!({ "viewer": { "username": "admin" } }),
            "{scheme}"
        );
    }
}

#[each_database]
async fn who_is_not_signed_in_is_refused_before_anything_is_parsed(app: TestApp) {
    let before = app.dump().await;
    let token = app.admin.token.clone();
    let (start, end) = token.split_at(8);
    for header in [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(token.clone()),
        Some(format!("Basic {token}")),
        Some(format!("Bearer {token}x")),
        Some(format!("Bearer {start}")),
        Some(format!("Bearer {start} {end}")),
        Some(format!("Bearer {}", token.to_uppercase())),
    ] {
        for body in [
            VIEWER,
            "",
            "no JSON",
            r#"{"query":"{ nope"}"#,
            r#"{"query":"{ __typename }"}"#,
        ] {
            assert_unauthenticated(&with_header(&app, header.as_deref(), body).await);
        }
    }
    // Whatever the type of the content.
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "text/plain");
    assert_unauthenticated(&send(&app.router, request.body(Body::from("x")).unwrap()).await);
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn revoked_and_expired_tokens_sign_nobody_in(app: TestApp) {
    let ann = app.stranger("ann").await;
    let row = user::Entity::find_by_id(ann.user_id.parse::<i64>().unwrap());
    let row = row.one(app.app.db.writer()).await.unwrap().unwrap();
    let soon = instant::now() + Duration::hours(1);
    let past = instant::now() - Duration::seconds(1);
    let good = token::create(&app.app, &row, "good", Some(soon))
        .await
        .unwrap();
    let expired = token::create(&app.app, &row, "expired", Some(past))
        .await
        .unwrap();
    let bearer = |text: &str| format!("Bearer {text}");
    with_header(&app, Some(&bearer(&good.text)), VIEWER)
        .await
        .ok();
    assert_unauthenticated(&with_header(&app, Some(&bearer(&expired.text)), VIEWER).await);
    token::revoke(&app.app, good.row.id).await.unwrap();
    assert_unauthenticated(&with_header(&app, Some(&bearer(&good.text)), VIEWER).await);
    // Their other token works still, until they can't sign in at all.
    ann.post(VIEWER).await.ok();
    let locked_out = user::ActiveModel {
        id: Unchanged(row.id),
        can_sign_in: Set(false),
        ..Default::default()
    };
    locked_out.update(app.app.db.writer()).await.unwrap();
    assert_unauthenticated(&ann.post(VIEWER).await);
}

#[each_database]
async fn tokens_are_not_kept_in_clear(app: TestApp) {
    let dump = app.dump().await;
    assert!(!dump.contains(&app.admin.token));
    let prefix: String = app.admin.token.chars().take(12).collect();
    assert!(dump.contains(&prefix), "{dump}");
    assert!(!dump.contains(&app.admin.token[..16]));
}
