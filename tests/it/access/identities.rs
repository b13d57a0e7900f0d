//! Sign-in from memory: statements saved, and access that ends with the answer to the change that ends it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use annograph::{
    app::App,
    db::{Database, Options},
    domain::{Patch, access::Actor, token, user},
};
use each_database::each_database;
use entity::user::Role;
use sea_orm::ConnectionTrait;

use crate::support::{PATIENCE, TestApp};

/// Server that keeps users and tokens in memory, and the number of its statements.
async fn server(test: &TestApp) -> (App, Arc<AtomicUsize>) {
    let statements = Arc::new(AtomicUsize::new(0));
    let counter = statements.clone();
    let mut db = Database::connect(&Options::new(&test.url)).await.unwrap();
    db.observe(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (App::new(db).with_identities(), statements)
}

/// Signs in until a sign-in is served from memory.
async fn warm(app: &App, statements: &AtomicUsize, text: &str) -> Actor {
    let begun = Instant::now();
    loop {
        let before = statements.load(Ordering::SeqCst);
        let actor = token::sign_in(app, text).await.unwrap();
        if statements.load(Ordering::SeqCst) == before {
            return actor;
        }
        assert!(begun.elapsed() < PATIENCE, "every sign-in runs a statement");
        tokio::task::yield_now().await;
    }
}

#[each_database]
async fn a_later_sign_in_and_names_of_users_take_no_statement(test: TestApp) {
    let (app, statements) = server(&test).await;
    let actor = warm(&app, &statements, &test.admin.token).await;
    assert_eq!(actor.user.username, "admin");
    let begun = Instant::now();
    loop {
        let before = statements.load(Ordering::SeqCst);
        let people = user::people(&app, &actor, &[actor.id()]).await.unwrap();
        assert_eq!(people[&actor.id()].user.username, "admin");
        if statements.load(Ordering::SeqCst) == before {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "users are always read");
    }
    // Unknown tokens and users are never taken from memory.
    token::sign_in(&app, "ann_unknown_unknown")
        .await
        .unwrap_err();
    assert!(user::people(&app, &actor, &[99]).await.unwrap().is_empty());
}

/// Ways to end a user's access. Each returns once the change is answered.
async fn end_access(app: &App, admin: &Actor, actor: &Actor, way: &str) {
    let id = actor.id();
    match way {
        "revokeToken" => drop(token::end(app, admin, actor.token_id).await.unwrap()),
        "token revoke" => drop(token::revoke(app, actor.token_id).await.unwrap()),
        "canSignIn" => {
            let change = user::Change {
                can_sign_in: Patch::Set(false),
                ..Default::default()
            };
            user::update(app, admin, id, change).await.unwrap();
        }
        "deleteUser" => drop(user::delete(app, admin, id).await.unwrap()),
        other => unreachable!("{other}"),
    }
}

#[each_database]
async fn no_server_honours_what_has_ended_once_the_end_is_answered(test: TestApp) {
    let (app, statements) = server(&test).await;
    let (other, _) = server(&test).await;
    let command = test.beside().await;
    let admin = token::sign_in(&app, &test.admin.token).await.unwrap();
    let ways = ["revokeToken", "token revoke", "canSignIn", "deleteUser"];
    for (number, way) in ways.into_iter().enumerate() {
        // Access is ended by the server itself, by another server, and by a command.
        for (place, by) in [&app, &other, &command].into_iter().enumerate() {
            let ann = test.stranger(&format!("ann{number}{place}")).await;
            let actor = warm(&app, &statements, &ann.token).await;
            let is_answered = Arc::new(AtomicBool::new(false));
            let signing_in = tokio::spawn({
                let (app, text, is_answered) =
                    (app.clone(), ann.token.clone(), is_answered.clone());
                async move {
                    let mut rounds = 0;
                    while rounds < 20 {
                        // Read before the sign-in begins.
                        let has_ended = is_answered.load(Ordering::SeqCst);
                        let signed_in = token::sign_in(&app, &text).await.is_ok();
                        assert!(!(has_ended && signed_in), "signed in after the end");
                        rounds += u32::from(has_ended);
                        tokio::task::yield_now().await;
                    }
                }
            });
            end_access(by, &admin, &actor, way).await;
            is_answered.store(true, Ordering::SeqCst);
            signing_in.await.unwrap();
        }
    }
}

#[each_database]
async fn a_lost_role_is_lost_once_the_change_is_answered(test: TestApp) {
    let (app, statements) = server(&test).await;
    let (other, _) = server(&test).await;
    let admin = token::sign_in(&app, &test.admin.token).await.unwrap();
    for (number, by) in [&app, &other].into_iter().enumerate() {
        let ann = test.stranger(&format!("ann{number}")).await;
        let id = ann.user_id.parse().unwrap();
        let change = |role| user::Change {
            role: Patch::Set(role),
            ..Default::default()
        };
        user::update(by, &admin, id, change(Role::Admin))
            .await
            .unwrap();
        warm(&app, &statements, &ann.token).await;
        user::update(by, &admin, id, change(Role::Member))
            .await
            .unwrap();
        let actor = token::sign_in(&app, &ann.token).await.unwrap();
        assert_eq!(actor.user.role, Role::Member);
    }
}

#[each_database]
async fn a_change_beside_all_servers_is_seen_within_a_lease(test: TestApp) {
    let (app, statements) = server(&test).await;
    let ann = test.stranger("ann").await;
    warm(&app, &statements, &ann.token).await;
    for change in [
        r#"UPDATE "user" SET display_name = 'Ann' WHERE username = 'ann'"#,
        r#"UPDATE api_token SET revoked_at = created_at WHERE user_id =
           (SELECT id FROM "user" WHERE username = 'ann')"#,
    ] {
        test.app
            .db
            .writer()
            .execute_unprepared(change)
            .await
            .unwrap();
    }
    // Waits as an answered change of another process does, without telling the server.
    test.app.identities.changed(&test.app.db).await;
    token::sign_in(&app, &ann.token).await.unwrap_err();
}

#[each_database]
async fn a_repeated_revocation_is_answered_no_earlier_than_the_first(test: TestApp) {
    let (app, statements) = server(&test).await;
    let (other, _) = server(&test).await;
    let command = test.beside().await;
    let ann = test.stranger("ann").await;
    let id = warm(&app, &statements, &ann.token).await.token_id;
    let first = tokio::spawn(async move { token::revoke(&other, id).await });
    // Committed, and not answered yet.
    let is_revoked = async || {
        let all = token::all(&command, None).await.unwrap();
        let mut all = all.iter();
        all.any(|(row, _)| row.id == id && row.revoked_at.is_some())
    };
    while !is_revoked().await {
        tokio::task::yield_now().await;
    }
    token::revoke(&command, id).await.unwrap();
    token::sign_in(&app, &ann.token).await.unwrap_err();
    first.await.unwrap().unwrap();
}
