//! Permissions of subscribers at the time of delivery.

use annograph::domain::token;
use each_database::each_database;
use entity::{project_member::Role, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde_json::{Value, json};

use super::{Follower, after, short};
use crate::{
    graphql::update,
    support::{self, Client, TestApp},
};

/// Two projects with a task each: `[project, task]` and `[project, task]`.
async fn two_projects(test: &TestApp) -> [(String, String); 2] {
    [
        test.project_with_task().await,
        test.project_with_task().await,
    ]
}

async fn leave(test: &TestApp, project: &str, user: &Client) {
    let query = "mutation($project: ID!, $user: ID!) {
                   removeProjectMember(projectId: $project, userId: $user) { role } }";
    let variables = json!({ "project": project, "user": user.user_id });
    test.admin.run_with(query, variables).await.ok();
}

async fn join(test: &TestApp, project: &str, user: &Client) {
    let query = "mutation($project: ID!, $user: ID!) {
                   addProjectMember(projectId: $project, userId: $user, role: VIEWER) { role } }";
    let variables = json!({ "project": project, "user": user.user_id });
    test.admin.run_with(query, variables).await.ok();
}

#[each_database]
async fn members_are_told_of_their_projects_only(test: TestApp) {
    let [(cars, car), (_, boat)] = two_projects(&test).await;
    let max = test.member(&cars, "max", Role::Viewer).await;
    let (planes, plane) = test.project_with_task().await;
    let eve = test.member(&planes, "eve", Role::Viewer).await;
    // Max shares no project with the admin.
    leave(&test, &cars, &test.admin).await;
    let engine = support::engine(&test.app);
    let mut admins = Follower::new(&test.app, &engine, &test.admin, "").await;
    let mut members = Follower::new(&test.app, &engine, &max, "").await;
    let mut strangers = Follower::new(&test.app, &engine, &eve, "").await;
    let own = test.annotation(&test.admin, &plane, json!({})).await;
    assert_eq!(strangers.short().await, format!("CREATED {own} v1"));
    assert_eq!(admins.short().await, format!("CREATED {own} v1"));
    let hidden = test.annotation(&test.admin, &boat, json!({})).await;
    let shown = test.annotation(&test.admin, &car, json!({})).await;
    assert_eq!(admins.short().await, format!("CREATED {hidden} v1"));
    assert_eq!(admins.short().await, format!("CREATED {shown} v1"));
    let event = members.event().await;
    assert_eq!(short(&event), format!("CREATED {shown} v1"));
    assert_eq!(event["actor"], Value::Null);
    // Nothing of that is told to Eve, not even once she may see it.
    join(&test, &cars, &eve).await;
    update(&test.admin, &shown, json!({ "leadTime": 1 }))
        .await
        .ok();
    let event = strangers.event().await;
    assert_eq!(short(&event), format!("UPDATED {shown} v2"));
}

#[each_database]
async fn who_leaves_is_told_no_more_and_who_returns_is_told_again(test: TestApp) {
    let [(cars, car), (boats, boat)] = two_projects(&test).await;
    let max = test.member(&cars, "max", Role::Viewer).await;
    join(&test, &boats, &max).await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &max, "").await;
    let first = test.annotation(&test.admin, &car, json!({})).await;
    let event = follower.event().await;
    assert_eq!(short(&event), format!("CREATED {first} v1"));
    leave(&test, &cars, &max).await;
    let hidden = test.annotation(&test.admin, &car, json!({})).await;
    let other = test.annotation(&test.admin, &boat, json!({})).await;
    assert_eq!(follower.short().await, format!("CREATED {other} v1"));
    join(&test, &cars, &max).await;
    update(&test.admin, &first, json!({ "leadTime": 1 }))
        .await
        .ok();
    assert_eq!(follower.short().await, format!("UPDATED {first} v2"));
    // From a cursor, what counts is what one may see by then.
    let mut again = Follower::new(&test.app, &engine, &max, &after(&event)).await;
    assert_eq!(again.short().await, format!("CREATED {hidden} v1"));
    leave(&test, &cars, &max).await;
    let mut again = Follower::new(&test.app, &engine, &max, &after(&event)).await;
    assert_eq!(again.short().await, format!("CREATED {other} v1"));
}

#[each_database]
async fn an_annotation_that_moves_away_is_deleted_to_those_who_stay(test: TestApp) {
    let [(cars, car), (boats, boat)] = two_projects(&test).await;
    let other_car = test.task(&cars).await;
    let max = test.member(&cars, "max", Role::Manager).await;
    let ann = test.member(&boats, "ann", Role::Manager).await;
    let id = test.annotation(&test.admin, &car, json!({})).await;
    let engine = support::engine(&test.app);
    let mut stays = Follower::new(&test.app, &engine, &max, "").await;
    let filter = format!("(filter: {{ taskId: {{ in: [{boat}, {other_car}] }} }})");
    let mut guesses = Follower::new(&test.app, &engine, &max, &filter).await;
    let mut gets = Follower::new(&test.app, &engine, &ann, "").await;
    let seen = test.annotation(&test.admin, &other_car, json!({})).await;
    assert_eq!(guesses.short().await, format!("CREATED {seen} v1"));
    assert_eq!(stays.short().await, format!("CREATED {seen} v1"));
    update(&test.admin, &id, json!({ "taskId": boat, "leadTime": 2 }))
        .await
        .ok();
    update(&test.admin, &id, json!({ "leadTime": 3 }))
        .await
        .ok();
    let gone = stays.event().await;
    assert_eq!(short(&gone), format!("DELETED {id} v2"));
    // Nothing tells where it went, or what became of it.
    assert_eq!(gone["annotation"], Value::Null);
    assert_eq!(gone["task"]["id"], *car);
    assert_eq!(gone["changedFields"], json!([]));
    let came = gets.event().await;
    assert_eq!(short(&came), format!("UPDATED {id} v2"));
    assert_eq!(
        came["changedFields"],
        json!(["leadTime", "project", "task"])
    );
    assert_eq!(came["annotation"]["id"], *id);
    assert_eq!(came["task"]["id"], *boat);
    assert_eq!(gets.short().await, format!("UPDATED {id} v3"));
    // The next that Max hears of is another annotation; a filter does not help to find the first.
    let next = test.annotation(&max, &car, json!({})).await;
    assert_eq!(stays.short().await, format!("CREATED {next} v1"));
    update(&test.admin, &id, json!({ "taskId": car }))
        .await
        .ok();
    assert_eq!(stays.short().await, format!("UPDATED {id} v4"));
    update(&test.admin, &next, json!({ "taskId": boat }))
        .await
        .ok();
    assert_eq!(stays.short().await, format!("DELETED {next} v2"));
    join(&test, &boats, &max).await;
    update(&test.admin, &next, json!({ "leadTime": 1 }))
        .await
        .ok();
    assert_eq!(guesses.short().await, format!("UPDATED {next} v3"));
}

#[each_database]
async fn a_change_of_role_ends_the_stream(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    test.annotation(&test.admin, &task, json!({})).await;
    assert_eq!(follower.short().await, "CREATED 1 v1");
    let admin = token::sign_in(&test.app, &test.admin.token).await.unwrap();
    let mut row = admin.user.into_active_model();
    row.role = Set(user::Role::Member);
    row.update(test.app.db.writer()).await.unwrap();
    update(&test.admin, "1", json!({ "leadTime": 1 }))
        .await
        .ok();
    let error = follower.error().await;
    assert_eq!(error["extensions"]["code"], "FORBIDDEN");
}

#[each_database]
async fn a_token_that_ends_ends_the_stream(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let admin = token::sign_in(&test.app, &test.admin.token).await.unwrap();
    let other = token::create(&test.app, &admin.user, "other", None)
        .await
        .unwrap();
    let other = Client {
        token: other.text,
        ..test.admin.clone()
    };
    let mut revoked = Follower::new(&test.app, &engine, &test.admin, "").await;
    let mut follower = Follower::new(&test.app, &engine, &other, "").await;
    for follower in [&mut revoked, &mut follower] {
        let id = test.annotation(&test.admin, &task, json!({})).await;
        while follower.short().await != format!("CREATED {id} v1") {}
    }
    assert_eq!(revoked.short().await, "CREATED 2 v1");
    token::revoke(&test.app, admin.token_id).await.unwrap();
    update(&other, "1", json!({ "leadTime": 1 })).await.ok();
    assert_eq!(
        revoked.error().await["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    assert_eq!(follower.short().await, "UPDATED 1 v2");
}
