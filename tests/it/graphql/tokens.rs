//! Expiry of tokens, and their number per user.

use annograph::domain::token;
use chrono::{DateTime, Duration, Utc};
use each_database::each_database;
use entity::user;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::users::{create_token, revoke_token, with_token};
use crate::support::{Client, TestApp};

/// Signs the same user in with a token of this expiry.
async fn until(app: &TestApp, by: &Client, end: Option<DateTime<Utc>>) -> Client {
    let id: i64 = by.user_id.parse().unwrap();
    let user = user::Entity::find_by_id(id).one(app.app.db.writer()).await;
    let created = token::create(&app.app, &user.unwrap().unwrap(), "", end).await;
    Client {
        token: created.unwrap().text,
        ..by.clone()
    }
}

#[each_database]
async fn a_token_ends_with_the_one_that_makes_it(app: TestApp) {
    let ann = app.stranger("ann").await;
    let end = DateTime::from_timestamp_micros(32_503_680_000_000_000).unwrap();
    let (told, later) = ("3000-01-01T00:00:00Z", "3000-01-01T00:00:00.000001Z");
    let ends = |created: &Value| created["createToken"]["token"]["expiresAt"].clone();
    for by in [
        until(&app, &ann, Some(end)).await,
        until(&app, &app.admin, Some(end)).await,
    ] {
        // Admins make tokens for others.
        let of_admin = by.user_id == app.admin.user_id;
        let whose = if of_admin { &ann.user_id } else { &by.user_id };
        let made = create_token(&by, json!({ "userId": whose })).await;
        assert_eq!(ends(made.data()), told);
        let null = json!({ "userId": whose, "expiresAt": null });
        assert_eq!(ends(create_token(&by, null).await.data()), told);
        // A chain of tokens never extends the expiry.
        let next = with_token(&app, &made.data()["createToken"]["text"]);
        let same = create_token(&next, json!({ "expiresAt": told })).await;
        assert_eq!(ends(same.data()), told);
        let sooner = "2999-12-31T00:00:00Z";
        let shorter = create_token(&next, json!({ "expiresAt": sooner })).await;
        assert_eq!(ends(shorter.data()), sooner);
        let before = app.dump().await;
        let input = json!({ "name": "\u{0}", "expiresAt": later });
        let refused = create_token(&next, input).await.problems();
        let expected = ["input.name INVALID_TEXT", "input.expiresAt OUT_OF_BOUNDS"];
        assert_eq!(refused, expected);
        assert_eq!(app.dump().await, before);
    }
    let lasting = create_token(&ann, json!({})).await;
    assert_eq!(ends(lasting.data()), Value::Null);
    let any = create_token(&ann, json!({ "expiresAt": later })).await;
    assert_eq!(ends(any.data()), later);
}

#[each_database]
async fn a_user_has_a_bounded_number_of_active_tokens(app: TestApp) {
    let ann = app.stranger("ann").await;
    let past = Utc::now() - Duration::hours(1);
    until(&app, &ann, Some(past)).await;
    // The command line has no limit, but its tokens count.
    for _ in 0..98 {
        until(&app, &ann, None).await;
    }
    let last = create_token(&ann, json!({})).await;
    let last = &last.data()["createToken"]["token"]["id"];
    let before = app.dump().await;
    for (by, input) in [
        (&ann, json!({})),
        (&app.admin, json!({ "userId": ann.user_id })),
    ] {
        assert_eq!(create_token(by, input).await.problems(), ["input TOO_MANY"]);
    }
    assert_eq!(app.dump().await, before);
    create_token(&app.admin, json!({})).await.ok();
    until(&app, &ann, None).await;
    revoke_token(&ann, last).await.ok();
    assert_eq!(
        create_token(&ann, json!({})).await.problems(),
        ["input TOO_MANY"]
    );
    revoke_token(&ann, &json!("2")).await.ok();
    let admin = create_token(&app.admin, json!({ "userId": ann.user_id })).await;
    admin.ok();
}
