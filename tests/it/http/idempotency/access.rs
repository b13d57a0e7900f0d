//! Stored responses after the user lost access: not sent again.

use std::time::Duration;

use annograph::domain::{
    idempotency::{self, Found, Request},
    project::admin,
    token,
};
use axum::http::StatusCode;
use each_database::each_database;
use entity::{idempotency_key::Answer, project_member::Role};
use sea_orm::EntityTrait;
use serde_json::json;

use super::{KEY, assert_alike, assert_refused, creation, is_replayed, post};
use crate::support::{Answer as Reply, Client, TestApp};

/// The body of a request that runs a document.
fn body(query: &str) -> String {
    json!({ "query": query }).to_string()
}

async fn put(app: &TestApp, project: &str, user: &Client, role: &str) {
    let query = format!(
        "mutation {{ addProjectMember(projectId: {project}, userId: {}, role: {role}) {{ role }} }}",
        user.user_id
    );
    app.admin.run(&query).await.ok();
}

#[track_caller]
fn assert_not_told(answer: &Reply) {
    assert_refused(answer, StatusCode::CONFLICT, "CONFLICT");
    assert_eq!(answer.error()["extensions"]["reason"], "ANSWER_NOT_KEPT");
    assert!(!is_replayed(answer));
}

/// Losses of access in the database, by user.
async fn losses(app: &TestApp) -> Vec<(i64, i32)> {
    let rows = entity::access_loss::Entity::find();
    let rows = rows.all(app.app.db.reader()).await.unwrap();
    rows.iter().map(|row| (row.user_id, row.losses)).collect()
}

#[each_database]
async fn losses_are_merged_and_stay_counted(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let user = app.member(&project, "user", Role::Reviewer).await;
    let id: i64 = user.user_id.parse().unwrap();
    for _ in 0..3 {
        put(&app, &project, &user, "ANNOTATOR").await;
        put(&app, &project, &user, "REVIEWER").await;
    }
    let first = post(&user, KEY, &creation(&task)).await;
    first.data();
    assert_eq!(losses(&app).await, [(id, 1); 3]);
    assert_eq!(idempotency::sweep_losses(&app.app).await.unwrap(), 2);
    assert_eq!(losses(&app).await, [(id, 3)]);
    assert_alike(&first, &post(&user, KEY, &creation(&task)).await);
    put(&app, &project, &user, "ANNOTATOR").await;
    assert_not_told(&post(&user, KEY, &creation(&task)).await);
    assert_eq!(idempotency::sweep_losses(&app.app).await.unwrap(), 1);
    assert_eq!(losses(&app).await, [(id, 4)]);
    assert_not_told(&post(&user, KEY, &creation(&task)).await);

    let delete = format!("mutation {{ deleteUser(id: {id}) {{ id }} }}");
    app.admin.run(&delete).await.ok();
    idempotency::sweep_losses(&app.app).await.unwrap();
    assert_eq!(losses(&app).await, []);
}

#[each_database]
async fn every_loss_ends_the_telling_of_answers(app: TestApp) {
    for (number, loss) in [
        "removed",
        "lowered",
        "by the admin",
        "project",
        "role",
        "sign-in",
    ]
    .into_iter()
    .enumerate()
    {
        let (project, task) = app.project_with_task().await;
        let name = format!("user{number}");
        let user = app.member(&project, &name, Role::Reviewer).await;
        let id = &user.user_id;
        if loss == "role" {
            let raise =
                format!("mutation {{ updateUser(id: {id}, input: {{ role: ADMIN }}) {{ id }} }}");
            app.admin.run(&raise).await.ok();
        }
        let first = post(&user, KEY, &creation(&task)).await;
        first.data();
        assert_alike(&first, &post(&user, KEY, &creation(&task)).await);
        match loss {
            "removed" => {
                let remove = format!(
                    "mutation {{ removeProjectMember(projectId: {project}, userId: {id}) {{ role }} }}"
                );
                app.admin.run(&remove).await.ok();
            }
            "lowered" => put(&app, &project, &user, "ANNOTATOR").await,
            "by the admin" => {
                let (project, id) = (project.parse().unwrap(), id.parse().unwrap());
                admin::remove_member(&app.app, project, id).await.unwrap();
            }
            "project" => {
                let delete = format!("mutation {{ deleteProject(id: {project}) {{ id }} }}");
                app.admin.run(&delete).await.ok();
            }
            "role" => {
                let lower = format!(
                    "mutation {{ updateUser(id: {id}, input: {{ role: MEMBER }}) {{ id }} }}"
                );
                app.admin.run(&lower).await.ok();
            }
            _ => {
                for may in [false, true] {
                    let change = format!(
                        "mutation {{ updateUser(id: {id}, input: {{ canSignIn: {may} }}) {{ id }} }}"
                    );
                    app.admin.run(&change).await.ok();
                }
            }
        }
        let before = app.dump().await;
        for by in [
            &user,
            &Client {
                router: app.client_beside().await.router,
                ..user.clone()
            },
        ] {
            assert_not_told(&post(by, KEY, &creation(&task)).await);
        }
        assert_eq!(app.dump().await, before, "{loss}");
        if loss == "removed" {
            // A role that is given back does not bring the answer back; new requests are answered.
            put(&app, &project, &user, "MANAGER").await;
            assert_not_told(&post(&user, KEY, &creation(&task)).await);
            let next = post(&user, "next", &creation(&task)).await;
            assert_alike(&next, &post(&user, "next", &creation(&task)).await);
        }
    }
}

#[each_database]
async fn access_that_is_gained_or_taken_from_others_changes_nothing(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let (other, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let bob = app.member(&project, "bob", Role::Annotator).await;
    let first = post(&ann, KEY, &creation(&task)).await;
    put(&app, &project, &ann, "MANAGER").await;
    put(&app, &project, &ann, "MANAGER").await;
    put(&app, &other, &ann, "VIEWER").await;
    put(&app, &project, &bob, "VIEWER").await;
    let raise = format!(
        "mutation {{ updateUser(id: {}, input: {{ role: ADMIN }}) {{ id }} }}",
        ann.user_id
    );
    app.admin.run(&raise).await.ok();
    assert_alike(&first, &post(&ann, KEY, &creation(&task)).await);
}

#[each_database]
async fn what_a_request_takes_from_its_own_user_is_told_again(app: TestApp) {
    let (kept, task) = app.project_with_task().await;
    let (gone, _) = app.project_with_task().await;
    let (third, _) = app.project_with_task().await;
    let ann = app.member(&kept, "ann", Role::Manager).await;
    put(&app, &gone, &ann, "MANAGER").await;
    put(&app, &third, &ann, "MANAGER").await;
    let id = &ann.user_id;
    let earlier = post(&ann, "earlier", &creation(&task)).await;
    earlier.data();
    for (key, query) in [
        (
            "delete",
            format!("mutation {{ deleteProject(id: {gone}) {{ id }} }}"),
        ),
        (
            "lower",
            format!(
                "mutation {{ addProjectMember(projectId: {third}, userId: {id}, role: VIEWER) {{ role }} }}"
            ),
        ),
        (
            "leave",
            format!(
                "mutation {{ removeProjectMember(projectId: {kept}, userId: {id}) {{ role }} }}"
            ),
        ),
    ] {
        let first = post(&ann, key, &body(&query)).await;
        first.data();
        assert_alike(&first, &post(&ann, key, &body(&query)).await);
    }
    assert_not_told(&post(&ann, "earlier", &creation(&task)).await);
    let create = r#"mutation { createUser(input: { username: "root", role: ADMIN }) { id } }"#;
    app.admin.run(create).await.ok();
    let lower = body(&format!(
        "mutation {{ updateUser(id: {}, input: {{ role: MEMBER }}) {{ role }} }}",
        app.admin.user_id
    ));
    let first = post(&app.admin, KEY, &lower).await;
    first.data();
    assert_alike(&first, &post(&app.admin, KEY, &lower).await);
}

#[each_database]
async fn a_loss_while_the_request_runs_counts(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let lease = Duration::from_secs(60);
    let answer = || Answer {
        status: 200,
        media_type: Some("application/json".to_owned()),
        text: Some("{}".to_owned()),
    };
    let id: i64 = ann.user_id.parse().unwrap();
    for key in ["before the answer", "before the claim"] {
        put(&app, &project, &ann, "ANNOTATOR").await;
        let raise =
            format!("mutation {{ updateUser(id: {id}, input: {{ role: ADMIN }}) {{ id }} }}");
        app.admin.run(&raise).await.ok();
        let actor = token::sign_in(&app.app, &ann.token).await.unwrap();
        let request = Request::new(id, key.as_bytes(), b"{}");
        let lose = async || {
            let lower =
                format!("mutation {{ updateUser(id: {id}, input: {{ role: MEMBER }}) {{ id }} }}");
            app.admin.run(&lower).await.ok();
        };
        if key == "before the claim" {
            lose().await;
        }
        let found = idempotency::claim(&app.app, &actor, &request, lease)
            .await
            .unwrap();
        let Found::Claimed(claim) = found else {
            panic!("{found:?}")
        };
        if key == "before the answer" {
            lose().await;
        }
        idempotency::answer(&app.app, &claim, &answer())
            .await
            .unwrap();
        let found = idempotency::claim(&app.app, &actor, &request, lease)
            .await
            .unwrap();
        assert!(matches!(found, Found::AccessLost), "{key}: {found:?}");
    }
}
