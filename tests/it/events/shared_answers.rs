//! Shared answers of events: equal answers are shared, different answers never.

use std::{pin::pin, sync::Arc, time::Duration};

use annograph::endpoint::{engine::Answer, envelope};
use each_database::each_database;
use entity::project_member::Role;
use futures_util::poll;
use serde_json::{Value, json};

use super::{Follower, make_live, statements_of_update};
use crate::{
    graphql::update,
    support::{self, Client, TestApp},
};

const NAMES: &str = "action annotation {
    id version result completedBy { username } updatedBy { username } createdUsername task { id }
} actor { username displayName } task { id } changedFields at";

fn subscription(selection: &str) -> String {
    format!("subscription {{ annotationEvents {{ {selection} }} }}")
}

fn event(answer: &Answer) -> Value {
    let answer: Value = serde_json::from_slice(&answer.chunks().concat()).unwrap();
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["annotationEvents"].clone()
}

/// Creates a project with a task and with members by name.
async fn members<const N: usize>(test: &TestApp, names: [&str; N]) -> (String, [Client; N]) {
    let (project, task) = test.project_with_task().await;
    let mut members = Vec::new();
    for name in names {
        members.push(test.member(&project, name, Role::Annotator).await);
    }
    (task, members.try_into().ok().unwrap())
}

/// Answers of the last of so many events, after the subscribers have gone from the log to the live events.
async fn live<const N: usize>(
    test: &TestApp,
    task: &str,
    mut all: [Follower; N],
) -> ([Arc<Answer>; N], [Follower; N]) {
    let id = make_live(test, task, &mut all).await;
    update(&test.admin, &id, json!({ "leadTime": 1 }))
        .await
        .ok();
    let mut answers = Vec::new();
    for follower in &mut all {
        answers.push(follower.shared().await);
    }
    (answers.try_into().ok().unwrap(), all)
}

#[each_database]
async fn viewers_of_the_same_share_an_answer(test: TestApp) {
    let (task, [ann, ben]) = members(&test, ["ann", "ben"]).await;
    let engine = support::engine(&test.app);
    let query = subscription(NAMES);
    let followers = [
        Follower::of(&test.app, &engine, &ann, &query).await,
        Follower::of(&test.app, &engine, &ben, &query).await,
        Follower::of(&test.app, &engine, &test.admin, &query).await,
    ];
    let ([anns, bens, admins], _) = live(&test, &task, followers).await;
    assert!(Arc::ptr_eq(&anns, &bens));
    assert!(Arc::ptr_eq(&anns, &admins));
    let event = event(&anns);
    assert_eq!(event["annotation"]["version"], 2);
    assert_eq!(event["annotation"]["updatedBy"]["username"], "admin");
    assert_eq!(event["annotation"]["createdUsername"], "admin");
}

#[each_database]
async fn whoever_may_see_less_gets_an_answer_of_their_own(test: TestApp) {
    let (project, task) = test.project_with_task().await;
    let ann = test.member(&project, "ann", Role::Annotator).await;
    // Without the membership the admin is a stranger to Ann, who goes on seeing the work.
    let remove = "mutation($project: ID!, $user: ID!) {
                    removeProjectMember(projectId: $project, userId: $user) { role } }";
    let variables = json!({ "project": project, "user": test.admin.user_id });
    test.admin.run_with(remove, variables).await.ok();
    let engine = support::engine(&test.app);
    let query = subscription(NAMES);
    let followers = [
        Follower::of(&test.app, &engine, &test.admin, &query).await,
        Follower::of(&test.app, &engine, &ann, &query).await,
    ];
    let ([admins, anns], _) = live(&test, &task, followers).await;
    assert!(!Arc::ptr_eq(&anns, &admins));
    let (admins, anns) = (event(&admins), event(&anns));
    assert_eq!(admins["actor"]["username"], "admin");
    assert_eq!(admins["annotation"]["completedBy"]["username"], "admin");
    assert_eq!(anns["actor"], Value::Null);
    assert_eq!(anns["annotation"]["completedBy"], Value::Null);
    assert_eq!(anns["annotation"]["updatedBy"], Value::Null);
    // Names are on the work.
    assert_eq!(anns["annotation"]["createdUsername"], "admin");
}

#[each_database]
async fn what_depends_on_the_viewer_is_shared_between_windows_of_one_viewer_only(test: TestApp) {
    let (task, [ann]) = members(&test, ["ann"]).await;
    let engine = support::engine(&test.app);
    let query = subscription("version annotation { viewerCanUpdate completedBy { email } }");
    let followers = [
        Follower::of(&test.app, &engine, &ann, &query).await,
        Follower::of(&test.app, &engine, &test.admin, &query).await,
        Follower::of(&test.app, &engine, &ann, &query).await,
    ];
    let ([anns, admins, again], _) = live(&test, &task, followers).await;
    assert!(Arc::ptr_eq(&anns, &again));
    assert!(!Arc::ptr_eq(&anns, &admins));
    let (admins, anns) = (event(&admins), event(&anns));
    assert_eq!(
        admins["annotation"],
        json!({ "viewerCanUpdate": true, "completedBy": { "email": "admin@example.com" } })
    );
    assert_eq!(
        anns["annotation"],
        json!({ "viewerCanUpdate": false, "completedBy": { "email": null } })
    );
}

#[each_database]
async fn variables_of_the_selection_tell_operations_apart_and_those_of_the_filter_do_not(
    test: TestApp,
) {
    let (task, [ann, ben]) = members(&test, ["ann", "ben"]).await;
    let engine = support::engine(&test.app);
    let query = "subscription($tasks: IDFilter, $long: Boolean = false) {
                   annotationEvents(filter: { taskId: $tasks }) { version ...Long }
                 }
                 fragment Long on AnnotationEvent { action @include(if: $long) }";
    let follow = async |by: &Client, variables: Value| {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let envelope = envelope::from_json(&body).unwrap();
        Follower::with(&test.app, &engine, by, envelope).await
    };
    let followers = [
        follow(&ann, json!({})).await,
        follow(&ben, json!({ "tasks": { "eq": task } })).await,
        follow(&ann, json!({ "long": true })).await,
        follow(&ben, json!({ "tasks": { "in": [task] }, "long": true })).await,
    ];
    let ([short, also_short, long, also_long], _) = live(&test, &task, followers).await;
    assert!(Arc::ptr_eq(&short, &also_short));
    assert!(Arc::ptr_eq(&long, &also_long));
    assert_eq!(event(&short), json!({ "version": 2 }));
    assert_eq!(event(&long), json!({ "version": 2, "action": "UPDATED" }));
}

/// Counts the statements from an update until each viewer has the event.
async fn statements(test: &TestApp, task: &str, viewers: &[Client]) -> usize {
    let engine = support::engine(&test.app);
    let mut all = Vec::new();
    for viewer in viewers {
        all.push(Follower::of(&test.app, &engine, viewer, &subscription(NAMES)).await);
    }
    statements_of_update(test, task, &mut all, |event| {
        assert_eq!(event["annotation"]["completedBy"]["username"], "admin");
    })
    .await
}

#[each_database]
async fn a_write_costs_as_many_statements_for_many_people_as_for_one(test: TestApp) {
    let (task, members) = members(
        &test,
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"],
    )
    .await;
    let one = statements(&test, &task, &members[..1]).await;
    let many = statements(&test, &task, &members).await;
    // The reader looks at an empty log from time to time.
    assert!(many <= one + 6, "{one} for one, {many} for many");
}

#[each_database]
async fn an_answer_comes_though_the_subscriber_that_resolves_it_leaves(test: TestApp) {
    let (task, [ann, ben]) = members(&test, ["ann", "ben"]).await;
    let engine = support::engine(&test.app);
    let query = subscription("version task { data }");
    let id = test.annotation(&test.admin, &task, json!({})).await;
    for round in 0..20 {
        let mut stays = Follower::of(&test.app, &engine, &ben, &query).await;
        let leaves = Follower::of(&test.app, &engine, &ben, &query).await;
        let also_leaves = Follower::of(&test.app, &engine, &ann, &query).await;
        let leave = async {
            tokio::time::sleep(Duration::from_micros(300 * round)).await;
            drop((leaves, also_leaves));
        };
        let change = json!({ "leadTime": round + 1 });
        let (_, _, event) = tokio::join!(update(&test.admin, &id, change), leave, stays.event());
        assert_eq!(event["version"], round + 2);
        assert!(event["task"]["data"].is_object());
    }
}

#[each_database]
async fn nobody_waits_long_for_a_subscriber_that_does_not_go_on(test: TestApp) {
    let (task, [ann, ben]) = members(&test, ["ann", "ben"]).await;
    let engine = support::engine(&test.app);
    let query = subscription("version task { data }");
    let mut quick = Follower::new(&test.app, &engine, &ben, "").await;
    let mut stalls = Follower::lazy(&test.app, &engine, &ann, &query).await;
    let mut stays = Follower::lazy(&test.app, &engine, &ben, &query).await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    for follower in [&mut quick, &mut stalls, &mut stays] {
        follower.event().await;
    }
    update(&test.admin, &id, json!({ "leadTime": 1 }))
        .await
        .ok();
    quick.event().await;
    // Polled once: claims the event and resolves no further.
    let mut stalled = pin!(stalls.event());
    assert!(poll!(stalled.as_mut()).is_pending());
    let event = stays.event().await;
    assert_eq!(event["version"], 2);
    assert_eq!(stalled.await["version"], 2);
}

#[each_database]
async fn an_answer_that_fails_leaves_nothing_for_the_next_to_wait_for(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let first = test.annotation(&test.admin, &task, json!({})).await;
    let second = json!({ "parentAnnotationId": first });
    let second = test.annotation(&test.admin, &task, second).await;
    // In one step, `title` asks the loader for a project and `tasks` fails: the batch ends with the answer.
    let query = "subscription { annotationEvents {
        version
        task { project { title } }
        annotation { parentAnnotation { parentAnnotation {
            task { project { title tasks(first: 101) { nodes { id } } } }
        } } }
    } }";
    let mut follower = Follower::of(&test.app, &engine, &test.admin, query).await;
    let third = json!({ "parentAnnotationId": second });
    test.annotation(&test.admin, &task, third).await;
    let answer = follower.answer().await.expect("the stream goes on");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    for lead_time in 1..=3 {
        let change = json!({ "leadTime": lead_time });
        update(&test.admin, &first, change).await.ok();
        let event = follower.event().await;
        assert_eq!(event["version"], lead_time + 1);
        assert!(event["task"]["project"]["title"].is_string());
    }
}

#[each_database]
async fn an_answer_with_errors_is_no_answer_for_others(test: TestApp) {
    let (task, [ann, ben]) = members(&test, ["ann", "ben"]).await;
    let engine = support::engine(&test.app);
    let query = subscription("version annotation { history(first: 101) { nodes { version } } }");
    let mut anns = Follower::of(&test.app, &engine, &ann, &query).await;
    let mut bens = Follower::of(&test.app, &engine, &ben, &query).await;
    test.annotation(&test.admin, &task, json!({})).await;
    anns.shared().await;
    bens.shared().await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    assert!(!Arc::ptr_eq(&anns.shared().await, &bens.shared().await));
    update(&test.admin, &id, json!({ "leadTime": 1 }))
        .await
        .ok();
    let answer = anns.answer().await.expect("the stream goes on");
    assert_eq!(answer["data"]["annotationEvents"]["version"], 2);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
