//! User and token mutations.

use each_database::each_database;
use entity::{annotation, annotation_draft, api_token, project_member::Role};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::{counters, draft, read, task_with_overlap};
use crate::support::{Answer, Client, TestApp};

async fn create_user(by: &Client, input: Value) -> Answer {
    by.run_with(
        "mutation($input: CreateUserInput!) {
           createUser(input: $input) { id username displayName email role canSignIn }
         }",
        json!({ "input": input }),
    )
    .await
}

async fn update_user(by: &Client, id: &str, input: Value) -> Answer {
    by.run_with(
        "mutation($id: ID!, $input: UpdateUserInput!) {
           updateUser(id: $id, input: $input) { id username displayName email role canSignIn }
         }",
        json!({ "id": id, "input": input }),
    )
    .await
}

async fn delete_user(by: &Client, id: &str) -> Answer {
    by.run_with(
        "mutation($id: ID!) {
           deleteUser(id: $id) { id username annotationCount draftCount tokenCount }
         }",
        json!({ "id": id }),
    )
    .await
}

pub async fn create_token(by: &Client, input: Value) -> Answer {
    by.run_with(
        "mutation($input: CreateTokenInput!) { createToken(input: $input) {
           text token { id name prefix user { id } expiresAt lastUsedAt revokedAt }
         } }",
        json!({ "input": input }),
    )
    .await
}

pub async fn revoke_token(by: &Client, id: &Value) -> Answer {
    let query = "mutation($id: ID!) { revokeToken(id: $id) { id revokedAt } }";
    by.run_with(query, json!({ "id": id })).await
}

/// The same server, for whom a token signs in.
pub fn with_token(app: &TestApp, token: &Value) -> Client {
    Client {
        token: token.as_str().unwrap().to_owned(),
        ..app.admin.clone()
    }
}

#[each_database]
async fn an_admin_adds_and_changes_users(app: TestApp) {
    let whole = json!({ "username": "ann", "displayName": "Ann A.", "email": "Ann@Example.com", "role": "ADMIN" });
    let answer = create_user(&app.admin, whole).await;
    let mut expected = json!({
        "id": "2", "username": "ann", "displayName": "Ann A.", "email": "ann@example.com",
        "role": "ADMIN", "canSignIn": true,
    });
    assert_eq!(answer.data()["createUser"], expected);
    for (field, value) in [
        ("username", json!("anne")),
        ("displayName", json!("")),
        ("email", json!(null)),
        ("email", json!("a@example.com")),
        ("role", json!("MEMBER")),
        ("canSignIn", json!(false)),
    ] {
        expected[field] = value.clone();
        let answer = update_user(&app.admin, "2", json!({ field: value })).await;
        assert_eq!(answer.data()["updateUser"], expected);
    }
    let before = app.dump().await;
    update_user(&app.admin, "2", json!({})).await.ok();
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn names_and_addresses_are_checked_all_at_once(app: TestApp) {
    create_user(
        &app.admin,
        json!({ "username": "ann", "email": "ann@example.com" }),
    )
    .await
    .ok();
    let before = app.dump().await;
    let bad = json!({ "username": "a@b", "displayName": "a@b", "email": "nobody" });
    let problems = [
        "input.username INVALID_FORMAT",
        "input.email INVALID_FORMAT",
        "input.displayName INVALID_FORMAT",
    ];
    assert_eq!(
        create_user(&app.admin, bad.clone()).await.problems(),
        problems
    );
    assert_eq!(update_user(&app.admin, "2", bad).await.problems(), problems);
    let nul = json!({ "username": "a\u{0}", "displayName": "Ann\u{0}B", "email": "a\u{0}@b.c" });
    let problems = [
        "input.username INVALID_TEXT",
        "input.email INVALID_TEXT",
        "input.displayName INVALID_TEXT",
    ];
    assert_eq!(
        create_user(&app.admin, nul.clone()).await.problems(),
        problems
    );
    assert_eq!(update_user(&app.admin, "2", nul).await.problems(), problems);
    let nulls = json!({ "username": null, "displayName": null, "role": null, "canSignIn": null });
    assert_eq!(
        update_user(&app.admin, "2", nulls).await.problems(),
        [
            "input.username NULL_NOT_ALLOWED",
            "input.displayName NULL_NOT_ALLOWED",
            "input.role NULL_NOT_ALLOWED",
            "input.canSignIn NULL_NOT_ALLOWED"
        ]
    );
    let taken = create_user(&app.admin, json!({ "username": "admin" })).await;
    assert_eq!(taken.problems(), ["input.username ALREADY_TAKEN"]);
    let taken = update_user(&app.admin, "2", json!({ "username": "admin" })).await;
    assert_eq!(taken.problems(), ["input.username ALREADY_TAKEN"]);
    let taken = update_user(&app.admin, "2", json!({ "email": "ADMIN@example.com" })).await;
    assert_eq!(taken.problems(), ["input.email ALREADY_TAKEN"]);
    let address = json!({ "username": "new", "email": "Ann@example.com" });
    let taken = create_user(&app.admin, address).await;
    assert_eq!(taken.problems(), ["input.email ALREADY_TAKEN"]);
    // Of two users, or of one.
    let both = ["input.username ALREADY_TAKEN", "input.email ALREADY_TAKEN"];
    for username in ["admin", "ann"] {
        let input = json!({ "username": username, "email": "ann@example.com" });
        assert_eq!(create_user(&app.admin, input).await.problems(), both);
    }
    let admins = json!({ "username": "admin", "email": "admin@example.com" });
    assert_eq!(update_user(&app.admin, "2", admins).await.problems(), both);
    // Their own address is not taken by somebody else.
    let own = json!({ "username": "admin", "email": "ann@example.com" });
    let taken = update_user(&app.admin, "2", own).await;
    assert_eq!(taken.problems(), ["input.username ALREADY_TAKEN"]);
    assert_eq!(
        update_user(&app.admin, "99", json!({})).await.code(),
        "NOT_FOUND"
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn somebody_can_always_administer(app: TestApp) {
    let before = app.dump().await;
    for (input, field) in [
        (json!({ "role": "MEMBER" }), "role"),
        (json!({ "canSignIn": false }), "canSignIn"),
    ] {
        let answer = update_user(&app.admin, "1", input).await;
        assert_eq!(answer.problems(), [format!("input.{field} LAST_ADMIN")]);
    }
    assert_eq!(
        delete_user(&app.admin, "1").await.problems(),
        ["id LAST_ADMIN"]
    );
    assert_eq!(app.dump().await, before);
    create_user(&app.admin, json!({ "username": "root", "role": "ADMIN" }))
        .await
        .ok();
    update_user(&app.admin, "2", json!({ "canSignIn": false }))
        .await
        .ok();
    // An admin who can't sign in does not count as the remaining admin.
    assert_eq!(
        delete_user(&app.admin, "1").await.problems(),
        ["id LAST_ADMIN"]
    );
    update_user(&app.admin, "2", json!({ "canSignIn": true }))
        .await
        .ok();
    delete_user(&app.admin, "1").await.ok();
    assert_eq!(
        app.admin.run("{ viewer { id } }").await.code(),
        "UNAUTHENTICATED"
    );
}

#[each_database]
async fn who_is_shut_out_keeps_their_work(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    update_user(&app.admin, &ann.user_id, json!({ "canSignIn": false }))
        .await
        .ok();
    assert_eq!(ann.run("{ viewer { id } }").await.code(), "UNAUTHENTICATED");
    assert_eq!(
        read(&app.admin, &id).await["completedBy"]["id"],
        ann.user_id
    );
    update_user(&app.admin, &ann.user_id, json!({ "canSignIn": true }))
        .await
        .ok();
    ann.run("{ viewer { id } }").await.ok();
}

#[each_database]
async fn what_a_deleted_user_annotated_has_no_author(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let task = task_with_overlap(&app, &project, 2).await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let bob = app.member(&project, "bob", Role::Annotator).await;
    let of_ann = app.annotation(&ann, &task, json!({})).await;
    app.annotation(&bob, &task, json!({})).await;
    app.annotation(&bob, &task, json!({ "wasCancelled": true }))
        .await;
    draft(&app, &bob, &task, None).await;
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 1]));
    let answer = delete_user(&app.admin, &ann.user_id).await;
    assert_eq!(
        answer.data()["deleteUser"],
        json!({ "id": ann.user_id, "username": "ann", "annotationCount": 1, "draftCount": 0, "tokenCount": 1 })
    );
    // Nobody and Bob are still two.
    assert_eq!(counters(&app.admin, &task).await, json!([true, 2, 1]));
    let read_back = read(&app.admin, &of_ann).await;
    assert_eq!(
        (&read_back["completedBy"], &read_back["createdUsername"]),
        (&Value::Null, &json!(""))
    );
    assert_eq!(ann.run("{ viewer { id } }").await.code(), "UNAUTHENTICATED");
    let answer = delete_user(&app.admin, &bob.user_id).await;
    assert_eq!(answer.data()["deleteUser"]["annotationCount"], 2);
    assert_eq!(answer.data()["deleteUser"]["draftCount"], 1);
    // Nobody twice is one.
    assert_eq!(counters(&app.admin, &task).await, json!([false, 2, 1]));
    let db = app.app.db.writer();
    assert_eq!(annotation::Entity::find().count(db).await.unwrap(), 3);
    assert_eq!(annotation_draft::Entity::find().count(db).await.unwrap(), 0);
    assert_eq!(
        delete_user(&app.admin, &bob.user_id).await.code(),
        "NOT_FOUND"
    );
}

#[each_database]
async fn a_token_is_shown_once_and_ended_at_once(app: TestApp) {
    let ann = app.stranger("ann").await;
    let input = json!({ "name": "laptop", "expiresAt": "2999-01-01T00:00:00Z" });
    let created = create_token(&ann, input).await;
    let created = &created.data()["createToken"];
    let text = created["text"].as_str().unwrap();
    let id = created["token"]["id"].clone();
    assert_eq!(
        created["token"],
        json!({
            "id": id, "name": "laptop", "prefix": &text[..12], "user": { "id": ann.user_id },
            "expiresAt": "2999-01-01T00:00:00Z", "lastUsedAt": null, "revokedAt": null,
        })
    );
    assert!(!app.dump().await.contains(text));
    let by = with_token(&app, &created["text"]);
    let viewer = by.run("{ viewer { id tokens { id name } } }").await;
    assert_eq!(
        viewer.data()["viewer"]["tokens"],
        json!([{ "id": "2", "name": "test" }, { "id": id, "name": "laptop" }])
    );
    let other = app.stranger("bob").await;
    let before = app.dump().await;
    assert_eq!(revoke_token(&other, &id).await.code(), "NOT_FOUND");
    assert_eq!(app.dump().await, before);
    let revoked = revoke_token(&by, &id).await;
    assert_ne!(revoked.data()["revokeToken"]["revokedAt"], Value::Null);
    assert_eq!(by.run("{ viewer { id } }").await.code(), "UNAUTHENTICATED");
    let before = app.dump().await;
    let again = revoke_token(&app.admin, &id).await;
    assert_eq!(again.data(), revoked.data());
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn an_admin_makes_tokens_for_others(app: TestApp) {
    let ann = app.stranger("ann").await;
    let created = create_token(&app.admin, json!({ "userId": ann.user_id })).await;
    let by = with_token(&app, &created.data()["createToken"]["text"]);
    let viewer = by.run("{ viewer { username } }").await;
    assert_eq!(viewer.data()["viewer"]["username"], "ann");
    let before = app.dump().await;
    for (input, problem) in [
        (json!({ "userId": "99" }), "input.userId UNKNOWN_ID"),
        (
            json!({ "expiresAt": "2001-01-01T00:00:00Z" }),
            "input.expiresAt OUT_OF_BOUNDS",
        ),
        (json!({ "name": "\u{0}" }), "input.name INVALID_TEXT"),
        (json!({ "name": "x".repeat(256) }), "input.name TOO_LONG"),
    ] {
        assert_eq!(create_token(&app.admin, input).await.problems(), [problem]);
    }
    assert_eq!(app.dump().await, before);
    update_user(&app.admin, &ann.user_id, json!({ "canSignIn": false }))
        .await
        .ok();
    let answer = create_token(&app.admin, json!({ "userId": ann.user_id })).await;
    assert_eq!(answer.problems(), ["input.userId INVALID_FORMAT"]);
}

#[each_database]
async fn tokens_of_others_are_for_admins(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Manager).await;
    app.member(&project, "bob", Role::Annotator).await;
    let query = "{ users { nodes { username tokens { name } } } }";
    let one = json!([{ "name": "test" }]);
    let seen = ann.run(query).await;
    assert_eq!(
        seen.data()["users"]["nodes"],
        json!([
            { "username": "admin", "tokens": null },
            { "username": "ann", "tokens": one },
            { "username": "bob", "tokens": null },
        ])
    );
    let (statements, seen) = app.statements(app.admin.run(query)).await;
    assert_eq!(seen.data()["users"]["nodes"][2]["tokens"], one);
    assert!(statements <= 2, "{statements}");
}

#[each_database]
async fn the_text_of_a_token_is_not_kept_for_an_idempotency_key(app: TestApp) {
    let body = r#"{"query":"mutation { createToken(input: {}) { text } }"}"#;
    let send = async || {
        let request = axum::http::Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", app.admin.token))
            .header("idempotency-key", "once")
            .body(body.into())
            .unwrap();
        crate::support::send(&app.router, request).await
    };
    let first = send().await;
    let text = first.data()["createToken"]["text"].as_str().unwrap();
    assert!(!app.dump().await.contains(text));
    let again = send().await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "CONFLICT"));
    assert_eq!(again.error()["extensions"]["reason"], "ANSWER_NOT_KEPT");
    let tokens = api_token::Entity::find()
        .count(app.app.db.writer())
        .await
        .unwrap();
    assert_eq!(tokens, 2);
}
